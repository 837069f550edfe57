import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, instant } from '../../src/kernel/clock.ts';
import { M2mTokens } from '../../src/platform/m2m-tokens/m2m-tokens.ts';
import type { SharedTokens } from '../../src/platform/m2m-tokens/shared-tokens.ts';
import { type FakeIssuer, startFakeIssuer } from '../support/fake-issuer.ts';
import { until } from '../support/servers.ts';

/**
 * What a replica’s M2M tokens do; `share` returns what it shares with other replicas, empty for each test.
 */
export function m2mTokensContract(name: string, share: (clock: Clock) => Promise<SharedTokens | undefined>): void {
  describe(`machine-to-machine tokens ${name}`, () => {
    let issuer: FakeIssuer;
    let tokens: M2mTokens;
    let now: number;
    let http: Agent;

    beforeEach(async () => {
      issuer = await startFakeIssuer();
      now = Date.now();
      http = new Agent();
      const clock = { now: () => instant(now) };
      tokens = new M2mTokens({
        http,
        tokenUrl: `${issuer.issuer}/protocol/openid-connect/token`,
        clientId: 'ticket-service-client',
        clientSecret: 'secret',
        clock,
        shared: await share(clock),
      });
    });

    afterEach(() => http.close());

    test('they are fetched once, however many callers wait', async () => {
      const got = await Promise.all(Array.from({ length: 50 }, () => tokens.get()));
      expect(new Set(got).size).toBe(1);
      expect(issuer.counts.tokens).toBe(1);
    });

    test('they are refreshed sixty seconds before the end, and no caller waits for that', async () => {
      const first = await tokens.get();
      now += 239_000;
      expect(await tokens.get()).toBe(first);
      expect(issuer.counts.tokens).toBe(1);
      now += 1_500;
      expect(await tokens.get()).toBe(first);
      await until('the next one is there', async () => issuer.counts.tokens === 2);
      expect(issuer.counts.tokens).toBe(2);
    });

    test('they are refreshed half-way through when they live shorter', async () => {
      issuer.m2mLifeS = 20;
      const first = await tokens.get();
      now += 9_000;
      expect(await tokens.get()).toBe(first);
      expect(issuer.counts.tokens).toBe(1);
      now += 2_000;
      await tokens.get();
      await until('the next one is requested', async () => issuer.counts.tokens === 2);
    });

    test('they are forgotten when they were refused, and kept otherwise', async () => {
      const first = await tokens.get();
      tokens.discard('another');
      await tokens.get();
      expect(issuer.counts.tokens).toBe(1);
      tokens.discard(first);
      await tokens.get();
      expect(issuer.counts.tokens).toBe(2);
    });

    test('they are used until they end while the issuer is unavailable, and then the failure is clear', async () => {
      const first = await tokens.get();
      issuer.isUnavailable = true;
      now += 250_000;
      expect(await tokens.get()).toBe(first);
      now += 60_000;
      await expect(tokens.get()).rejects.toMatchObject({ code: 'identity_unavailable' });
      issuer.isUnavailable = false;
      now += 1_000;
      expect(await tokens.get()).not.toBe('');
    });

    test('they are not requested for a moment after a failure', async () => {
      issuer.isUnavailable = true;
      await expect(tokens.get()).rejects.toMatchObject({ code: 'identity_unavailable' });
      issuer.isUnavailable = false;
      await expect(tokens.get()).rejects.toMatchObject({ code: 'identity_unavailable' });
      expect(issuer.counts.tokens).toBe(0);
      now += 501;
      await tokens.get();
      expect(issuer.counts.tokens).toBe(1);
    });
  });
}
