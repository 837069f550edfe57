import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let service: TestApp;

beforeAll(async () => {
  service = await startTestApp({}, {}, { background: false });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(service.url + path, { headers });
const HTML = { accept: 'text/html' };

describe('the settings of the pages', () => {
  test('are public, and say where people sign in, what is sold in which currency and who takes the money', async () => {
    const answer = await service.call('GET', '/api/order/config');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=60');
    expect(answer.body).toEqual({
      currency: 'lkr',
      time_zone: 'UTC',
      hold_minutes: 5,
      max_seats_per_order: 10,
      oidc: { issuer: `${service.app.url}/realms/event-ticketing`, client_id: 'web-frontend' },
      catalogue_url: '/api/event-query',
      stripe: { publishable_key: 'pk_test_embedded', embedded: true },
      passes: { apple: false, google: false },
      languages: ['en', 'si', 'ta'],
    });
  });
});

describe('a page', () => {
  test.each(['/', '/events/x', '/sessions/x', '/orders/x', '/tickets', '/signed-in'])(
    '%s is served with a policy that permits no inline script and no frame',
    async (path) => {
      const answer = await get(path, HTML);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
      const html = await answer.text();
      expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
      expect(html).not.toContain('<style');
    },
  );

  test('is sent again only when it has changed', async () => {
    const first = await get('/', HTML);
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('cache-control')).toBe('no-cache');
    expect((await get('/', { ...HTML, 'if-none-match': etag })).status).toBe(304);
    expect((await get('/', { ...HTML, 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('loads files that are compressed and kept for a year', async () => {
    const html = await (await get('/', HTML)).text();
    const [, script = ''] = /src="(\/assets\/[^"]+\.js)"/.exec(html) ?? [];
    const answer = await get(script, { 'accept-encoding': 'br' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-encoding')).toBe('br');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-type')).toContain('javascript');
  });
});

describe('an address without a page', () => {
  test('gets a page in words for a person, with 404', async () => {
    const answer = await get('/no/such/page', HTML);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  });

  test.each([
    '/no/such/page',
    '/assets/missing.js',
    '/assets/../../package.json',
    '/assets/%2e%2e%2f%2e%2e%2fpackage.json',
  ])('%s gets a problem document for a program', async (path) => {
    const answer = await get(path);
    expect([404, 403]).toContain(answer.status);
    expect(await answer.json()).toMatchObject({ code: 'not_found' });
  });

  test('of the API stays a problem document also for a browser', async () => {
    const answer = await get('/api/order/no/such/route', HTML);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'not_found' });
  });
});

test('the first load of every page is less than 80 kB, compressed', async () => {
  const folder = 'web/dist/assets';
  const html = readFileSync('web/dist/buyer/index.html', 'utf8');
  const size = (name: string) => readFileSync(`${folder}/${name}.br`).length;
  const imports = (name: string): string[] =>
    [...readFileSync(`${folder}/${name}`, 'utf8').matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)].map(
      ([, file = '']) => file,
    );
  const always = [...html.matchAll(/\/assets\/([^"]+\.(?:js|css))/g)].map(([, file = '']) => file);
  const pages = (await readdir(folder)).filter((name) =>
    /^(Events|Event|Session|Order|Tickets|Nothing)-.*\.js$/.test(name),
  );
  expect(pages.length).toBe(6);
  for (const page of pages) {
    const loaded = new Set([...always, page]);
    for (const name of loaded) if (name.endsWith('.js')) for (const more of imports(name)) loaded.add(more);
    const total = [...loaded].reduce((sum, name) => sum + size(name), 0);
    expect(total, page).toBeLessThan(80_000);
  }
});
