import { AxeBuilder } from '@axe-core/playwright';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { browser } from './browser.ts';
import { patience } from './patience.ts';
import { startTestApp, type TestApp } from './test-app.ts';

const WAIT_MS = 10_000;
const MAX_WAIT_MS = 90_000;

export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
export const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };

/** A person with a browser of their own. What their pages log as an error or a warning fails the test at its end. */
export interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Fills in the form of the embedded sign-in, which returns to the page that it began on. */
  signIn(username: string): Promise<void>;
  /** Fails with each rule of WCAG 2.2 AA that the page breaks, and with the elements. */
  expectAccessible(): Promise<void>;
}

/** The pages on the service as production builds it, with everything embedded but PostgreSQL; for this test file. */
export function visitPages(env: Record<string, string> = {}) {
  const started: {
    app?: TestApp;
    close?: () => Promise<void>;
    open?: (options: BrowserContextOptions) => Promise<BrowserContext>;
  } = {};
  const complaints: string[] = [];

  beforeAll(async () => {
    started.app = await startTestApp(env);
    const { program, env: programEnv } = await browser();
    const launched = await chromium.launch({
      executablePath: program,
      env: programEnv as Record<string, string>,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    started.open = (options) => launched.newContext(options);
    started.close = () => launched.close();
  });
  afterAll(async () => {
    await started.close?.();
    expect(complaints).toEqual([]);
  });

  return {
    app(): TestApp {
      if (!started.app) throw new Error('the service has not started');
      return started.app;
    },
    async newVisitor(options: BrowserContextOptions = DESKTOP): Promise<Visitor> {
      if (!started.open) throw new Error('the browser has not started');
      const context = await started.open({
        baseURL: this.app().app.url,
        locale: 'en-GB',
        timezoneId: 'Asia/Colombo',
        ...options,
      });
      context.setDefaultTimeout(Math.min(patience(WAIT_MS), MAX_WAIT_MS));
      const page = await context.newPage();
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        // Chromium logs each refusal that a page asks for; the page shows it, and tests look at what it shows.
        const isRefusal = message.text().startsWith('Failed to load resource');
        if (['error', 'warning'].includes(message.type()) && !isRefusal) complaints.push(message.text());
      });
      return {
        page,
        context,
        async signIn(username) {
          await page.getByLabel('User name or email address').fill(username);
          await page.getByLabel('Password').fill('demo');
          await page.getByRole('button', { name: 'Sign in' }).click();
          await page.getByRole('button', { name: 'Sign out' }).waitFor();
        },
        async expectAccessible() {
          const { violations } = await new AxeBuilder({ page })
            .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'])
            .analyze();
          expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
        },
      };
    },
  };
}
