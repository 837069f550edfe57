import { Agent } from 'undici';
import { expect, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import { M2mTokens } from '../../src/platform/m2m-tokens/m2m-tokens.ts';
import { patience } from '../support/patience.ts';
import { m2mTokensContract } from './m2m-tokens.contract.ts';

m2mTokensContract('of a process alone', async () => undefined);

test('a token request to an issuer that never connects ends within the timeout for a slow issuer', async () => {
  const http = new Agent({ connect: () => undefined });
  const tokens = new M2mTokens({
    http,
    tokenUrl: 'http://issuer.example/token',
    clientId: 'ticket-service-client',
    clientSecret: 'secret',
    clock: { now: () => instant(Date.now()) },
  });
  const began = performance.now();
  await expect(tokens.get()).rejects.toMatchObject({ code: 'identity_unavailable' });
  expect(performance.now() - began).toBeLessThan(patience(7_000));
  await http.destroy();
});
