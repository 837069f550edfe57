import { expect, test } from 'vitest';
import { startTestApp } from '../support/test-app.ts';

test('guard-open: with demo users, the service listens on loopback alone, and its first log line says so', async () => {
  const { app, log } = await startTestApp({ HOST: '' }, {}, { background: false });
  expect(app.http.server.address()).toMatchObject({ address: '127.0.0.1' });
  expect(log[0]).toContain('"host":"127.0.0.1"');
});
