import { expect, test } from 'vitest';
import { DESKTOP, visitPages } from '../support/visitors.ts';

const pages = visitPages();
const MAX_TABS = 80;
/** What a screen reader would say of the element with the focus, near enough; runs in the page. */
const NAME_OF_FOCUS = `(() => {
  const focus = document.activeElement;
  if (!focus || focus === document.body) return '';
  const label = focus.id ? document.querySelector('label[for="' + focus.id + '"]')?.textContent : '';
  const words = [focus.getAttribute('aria-label'), label, focus.closest('label')?.textContent, focus.textContent];
  return words.filter(Boolean).join(' ').replaceAll(/\\s+/g, ' ').trim();
})()`;

test('a buyer finds an event, chooses a seat on the map, signs in and pays without a mouse', async () => {
  const { page } = await pages.newVisitor(DESKTOP);
  let presses = 0;
  const press = async (key: string) => {
    presses += 1;
    await page.keyboard.press(key);
  };
  const type = async (text: string) => {
    presses += text.length;
    await page.keyboard.type(text);
  };
  const nameOfFocus = () => page.evaluate<string>(NAME_OF_FOCUS);
  /** Presses Tab until the focus is on what is wanted. */
  const tabTo = async (wanted: RegExp) => {
    const seen: string[] = [];
    for (let tabs = 0; tabs < MAX_TABS; tabs += 1) {
      const name = await nameOfFocus();
      if (wanted.test(name)) return;
      seen.push(name);
      await press('Tab');
    }
    throw new Error(`Tab does not reach ${wanted}: ${seen.join(' | ')}`);
  };

  await page.goto('/');
  await page.getByRole('link', { name: /Tides of Light/ }).waitFor();
  await tabTo(/Tides of Light/);
  await press('Enter');
  await page
    .getByRole('link', { name: /Choose seats/ })
    .first()
    .waitFor();
  await tabTo(/Choose seats/);
  await press('Enter');
  await page.getByRole('gridcell').first().waitFor();

  // The list comes before the map, and the map has one tab stop.
  await tabTo(/^Front/);
  await tabTo(/Front, row A, seat A1,/);
  await press('PageDown');
  expect(await nameOfFocus()).toMatch(/Front, row F, seat F1, VIP, LKR 12,500, available/);
  await press('End');
  expect(await nameOfFocus()).toContain('seat F40,');
  await press('ArrowUp');
  await press('ArrowLeft');
  expect(await nameOfFocus()).toContain('Front, row E, seat E39,');
  await press('Enter');
  expect(await nameOfFocus()).toContain('chosen by you');
  await tabTo(/^Sign in and continue/);
  await press('Enter');

  await page.getByLabel('Password').waitFor();
  await type('buyer');
  await press('Tab');
  await type('demo');
  await press('Enter');
  await page.getByRole('button', { name: 'Hold seats and continue' }).waitFor();
  await tabTo(/Hold seats and continue/);
  await press('Enter');
  await page.getByRole('button', { name: /^Pay LKR/ }).waitFor();
  await tabTo(/^Pay LKR 12,500/);
  await press('Enter');
  await page.getByRole('heading', { name: 'Your tickets' }).waitFor();
  await page.getByRole('button', { name: /Show the code/ }).waitFor();
  await tabTo(/Show the code/);
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  process.stdout.write(`a purchase by keyboard takes ${presses} presses\n`);
});
