import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEMO_USERS } from '../../src/embedded/demo-accounts.ts';
import { startTabbedBrowser, type Tab, type TabbedBrowser } from '../support/browser-tabs.ts';
import { type FrontEnd, startFrontEnd } from '../support/front-end.ts';

/**
 * The origins of the platform’s front end (contract section 1) to which a browser gives Web Crypto, without
 * which keycloak-js makes no request: a name that is not below `localhost` needs https for that.
 */
const ORIGINS = ['http://localhost:8090', 'http://www.localhost:8090'] as const;
const [HOME] = ORIGINS;

interface Outcome {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly ms?: number;
}

/**
 * What the platform’s front end does with keycloak-js, in a real browser, from its own origins. `issuerOf`
 * returns where the provider is, which must be a name of the same site as `localhost`.
 */
export function keycloakJsContract(name: string, issuerOf: () => string): void {
  describe(`keycloak-js at ${name}`, () => {
    let frontEnd: FrontEnd;
    let browser: TabbedBrowser;

    beforeAll(async () => {
      frontEnd = await startFrontEnd(issuerOf());
      const hosts = ORIGINS.map((origin) => [new URL(origin).host, frontEnd.address]);
      browser = await startTabbedBrowser(Object.fromEntries(hosts));
    });
    afterAll(async () => {
      await browser?.stop();
      await frontEnd?.stop();
    });

    const outcomeOf = (tab: Tab) => tab.until<Outcome>('init has ended', 'window.outcome');
    const signedIn = { authenticated: true, ms: expect.any(Number) };
    const signedOut = { authenticated: false, ms: expect.any(Number) };

    async function signIn(tab: Tab, username = 'buyer') {
      await outcomeOf(tab);
      await tab.evaluate('void keycloak.login()');
      await tab.until('the sign-in form is there', "document.getElementById('password') !== null");
      await tab.submit({ username, password: 'demo' });
      await tab.until('the page is back', "document.title === 'Front end' && window.outcome");
    }

    describe('keycloak-js init with check-sso', () => {
      test.each(['/', '/silent'])(
        'it finds at %s that no user is signed in, with no wait and no redirect',
        async (path) => {
          const tab = await (await browser.newPerson()).openTab(HOME + path);
          expect(await outcomeOf(tab)).toEqual(signedOut);
          expect(await tab.evaluate('warnings')).toEqual([]);
          expect(await tab.evaluate('sessionStorage.loads')).toBe('1');
        },
      );

      test.each(['/', '/silent'])('it finds at %s that a user signed in on another tab', async (path) => {
        const person = await browser.newPerson();
        await signIn(await person.openTab(`${HOME}/`));
        const other = await person.openTab(HOME + path);
        const found = await other.until<Outcome>(
          'the other tab is signed in',
          'window.outcome?.authenticated && window.outcome',
        );
        expect(found).toEqual(signedIn);
        expect(await other.evaluate('keycloak.subject')).toBe(DEMO_USERS.buyer.sub);
      });

      test.each(ORIGINS)('it signs in from %s', async (origin) => {
        const tab = await (await browser.newPerson()).openTab(`${origin}/`);
        await signIn(tab, 'organiser');
        expect(await outcomeOf(tab)).toEqual(signedIn);
        expect(await tab.evaluate('keycloak.subject')).toBe(DEMO_USERS.organiser.sub);
      });
    });

    describe('keycloak-js decodes refresh_token', () => {
      test('it reads the signed-in user from the three tokens', async () => {
        const tab = await (await browser.newPerson()).openTab(`${HOME}/`);
        await signIn(tab, 'admin');
        const { sub, email, firstName, lastName, groups } = DEMO_USERS.admin;
        const who = {
          sub,
          email,
          email_verified: true,
          name: `${firstName} ${lastName}`,
          given_name: firstName,
          family_name: lastName,
          preferred_username: 'admin',
          user_groups: groups,
          azp: 'web-frontend',
          iss: issuerOf(),
          sid: expect.stringMatching(/^[\w-]{20,}$/),
        };
        const access = await tab.evaluate<Record<string, unknown>>('keycloak.tokenParsed');
        expect(access).toMatchObject({ ...who, typ: 'Bearer', realm_access: { roles: ['user'] } });
        expect(await tab.evaluate('keycloak.idTokenParsed')).toMatchObject({
          ...who,
          typ: 'ID',
          aud: 'web-frontend',
          sid: access.sid,
        });
        expect(await tab.evaluate('keycloak.refreshTokenParsed')).toMatchObject({
          typ: 'Refresh',
          sub,
          azp: 'web-frontend',
          iss: issuerOf(),
          aud: issuerOf(),
          sid: access.sid,
          iat: expect.any(Number),
          exp: expect.any(Number),
        });
        expect(await tab.evaluate('keycloak.sessionId')).toBe(access.sid);
        expect(await tab.evaluate('keycloak.loadUserInfo()')).toMatchObject({ sub, email, name: who.name });
      });
    });

    describe('keycloak-js token call', () => {
      test('it refreshes the tokens, with credentials, and stays signed in', async () => {
        const tab = await (await browser.newPerson()).openTab(`${HOME}/`);
        await signIn(tab);
        const before = await tab.evaluate<string>('keycloak.token');
        expect(await tab.evaluate('keycloak.updateToken(-1)')).toBe(true);
        expect(await tab.evaluate<string>('keycloak.token')).not.toBe(before);
        expect(await tab.evaluate('keycloak.updateToken(-1)')).toBe(true);
        expect(await tab.evaluate('keycloak.authenticated')).toBe(true);
      });
    });

    describe('sign up, account, log out', () => {
      test('it signs out, returns at once, and the other tab notices', async () => {
        const person = await browser.newPerson();
        const first = await person.openTab(`${HOME}/`);
        await signIn(first);
        const second = await person.openTab(`${HOME}/`);
        await second.until('the second tab is signed in', 'window.outcome?.authenticated');
        const refreshToken = await second.evaluate<string>('keycloak.refreshToken');
        await first.evaluate(`void keycloak.logout({ redirectUri: '${HOME}/?left' })`);
        const back = await first.until<Outcome>(
          'the page is back, signed out',
          "location.href === 'http://localhost:8090/?left' && window.outcome",
        );
        expect(back).toEqual(signedOut);
        await second.until('the second tab is notified', 'window.isLoggedOut');
        const again = await fetch(`${issuerOf()}/protocol/openid-connect/token`, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'refresh_token',
            client_id: 'web-frontend',
            refresh_token: refreshToken,
          }),
        });
        expect(again.status).toBe(400);
      });

      test('it signs a new user up, who is then signed in and can sign in again', async () => {
        const tab = await (await browser.newPerson()).openTab(`${HOME}/`);
        await outcomeOf(tab);
        await tab.evaluate('void keycloak.register()');
        await tab.until('the sign-up form is there', "document.getElementById('firstName') !== null");
        await tab.submit({
          username: 'newcomer',
          email: 'newcomer@example.com',
          firstName: 'Nell',
          lastName: 'O’Comer',
          password: 'a long password',
          'password-confirm': 'a long password',
        });
        await tab.until('the page is back', "document.title === 'Front end' && window.outcome");
        expect(await outcomeOf(tab)).toEqual(signedIn);
        const claims = { preferred_username: 'newcomer', email: 'newcomer@example.com', name: 'Nell O’Comer' };
        expect(await tab.evaluate('keycloak.tokenParsed')).toMatchObject(claims);
        const later = await (await browser.newPerson()).openTab(`${HOME}/`);
        await outcomeOf(later);
        await later.evaluate('void keycloak.login()');
        await later.until('the sign-in form is there', "document.getElementById('password') !== null");
        await later.submit({ username: 'newcomer', password: 'a long password' });
        await later.until('the page is back', "document.title === 'Front end' && window.outcome");
        expect(await later.evaluate('keycloak.subject')).toBe(await tab.evaluate('keycloak.subject'));
      });

      test('it leads to the account page', async () => {
        const tab = await (await browser.newPerson()).openTab(`${HOME}/`);
        await signIn(tab);
        await tab.evaluate('void keycloak.accountManagement()');
        await tab.until(
          'the account page is there',
          `location.href.startsWith('${issuerOf()}/account') && performance.getEntriesByType('navigation')[0].responseStatus === 200`,
        );
      });
    });
  });
}
