import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';

test('orphan-hold: a seat whose order another process cancelled is free here, though this process holds it in memory', async () => {
  const platform = await startPlatformApp();
  const replica = await startReplica(platform);
  const token = await platform.token(randomUUID());
  const body = platform.request();
  const place = () => platform.app.call('POST', '/api/order', { token, body });
  const { body: order } = await place();
  expect(await place()).toMatchObject({ status: 409, body: { code: 'seats_taken' } });
  expect((await replica.call('DELETE', `/api/order/${order.order_id}`, { token })).status).toBe(204);
  await until('the seat is free', async () => (await place()).status === 201);
});
