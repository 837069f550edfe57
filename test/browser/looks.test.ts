import type { BrowserContextOptions } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { DESKTOP, PHONE, type Visitor, visitPages } from '../support/visitors.ts';

const pages = visitPages();
const NARROW: BrowserContextOptions = { ...PHONE, viewport: { width: 360, height: 740 } };
const TABLET: BrowserContextOptions = { viewport: { width: 820, height: 1_180 } };

async function addressesOf({ page }: Visitor) {
  const read = async (path: string) => (await page.request.get(`/api/event-query/v1${path}`)).json();
  const { content: events } = await read('/events/search?searchTerm=Tides&page=0&size=1');
  const { content: sessions } = await read(`/events/${events[0].id}/sessions?page=0&size=1`);
  return { event: `/events/${events[0].id}`, session: `/sessions/${sessions[0].id}` };
}

/** Whether something is wider than the window, so that the page moves sideways. */
function isTooWide({ page }: Visitor): Promise<boolean> {
  return page.evaluate<boolean>('document.documentElement.scrollWidth > window.innerWidth');
}

describe.each([
  ['a narrow phone', NARROW],
  ['a tablet', TABLET],
  ['a desktop in dark', { ...DESKTOP, colorScheme: 'dark' as const }],
  ['a desktop with forced colours', { ...DESKTOP, forcedColors: 'active' as const }],
])('on %s', (_name, options) => {
  test.each(['en', 'si', 'ta', 'en-XB'])('every page in "%s" fits and is accessible', async (lang) => {
    const visitor = await pages.newVisitor(options);
    const { page } = visitor;
    const { event, session } = await addressesOf(visitor);
    for (const path of [
      '/',
      event,
      session,
      '/tickets',
      '/orders/8d564400-1273-4e3c-9b7d-cc3beccd2b27',
      '/nothing/here',
    ]) {
      await page.goto(`${path}?lang=${lang}`);
      await page.locator('h1').waitFor();
      if (path === session) await page.getByRole('gridcell').first().waitFor();
      expect(await isTooWide(visitor), `${path} in ${lang}`).toBe(false);
      await visitor.expectAccessible();
    }
    expect(await page.locator('html').getAttribute('dir')).toBe(lang === 'en-XB' ? 'rtl' : 'ltr');
    await visitor.context.close();
  });
});

test('words of organisers are shown as text, whatever they contain', async () => {
  const visitor = await pages.newVisitor(DESKTOP);
  const { page, context } = visitor;
  const hostile = '</script><img src=x onerror="document.title=\'broken\'"> \u2028 \u202Egnp.exe {count}';
  const { event } = await addressesOf(visitor);
  await context.route('**/basic-info', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({
      response: answer,
      json: { ...(await answer.json()), title: hostile, overview: hostile, description: `${hostile}!` },
    });
  });
  await page.goto(event);
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(hostile);
  expect(await page.locator('main img[src="x"]').count()).toBe(0);
  expect(await page.title()).toContain('</script><img');
});
