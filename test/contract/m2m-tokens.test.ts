import { setImmediate as nextTurn } from 'node:timers/promises';
import { Agent } from 'undici';
import { expect, onTestFinished, test, vi } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import { M2mTokens } from '../../src/platform/m2m-tokens/m2m-tokens.ts';
import { until } from '../support/servers.ts';
import { m2mTokensContract } from './m2m-tokens.contract.ts';

m2mTokensContract('of a process alone', async () => undefined);

test('a token request to an issuer that never connects ends within the timeout for a slow issuer', async () => {
  const http = new Agent({ connect: () => undefined });
  onTestFinished(() => http.destroy());
  const limit = new AbortController();
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(limit.signal);
  onTestFinished(() => timeout.mockRestore());
  const tokens = new M2mTokens({
    http,
    tokenUrl: 'http://issuer.example/token',
    clientId: 'ticket-service-client',
    clientSecret: 'secret',
    clock: { now: () => instant(Date.now()) },
  });
  let failure: unknown;
  void tokens.get().catch((error: unknown) => {
    failure = error;
  });
  await nextTurn();
  expect(failure).toBeUndefined();
  expect(timeout.mock.calls).toEqual([[5_000]]);
  limit.abort();
  await until('the request ends', () => failure !== undefined);
  expect(failure).toMatchObject({ code: 'identity_unavailable' });
});
