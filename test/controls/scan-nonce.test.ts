import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import type { Arena } from '../support/arena.ts';
import { twoScanners } from '../support/races.ts';
import { inStretches } from '../support/schedules.ts';
import { completedOrder, findings, guarded, unguarded } from './open-arena.ts';

/**
 * A scanner’s app sends a scan again before the first answer arrives; its answers, and how often the scan is stored.
 */
async function sentTwice(arena: Arena) {
  const [token = ''] = await twoScanners(arena.platform);
  const orderId = await completedOrder(arena);
  const { body: tickets } = await arena.platform.app.call('GET', `/api/order/${orderId}/tickets`, {
    token: arena.buyer,
  });
  const body = { encrypted_qr: await readQrCode(Buffer.from(tickets[0].qr_code, 'base64')), nonce: randomUUID() };
  const send = (who: string) => arena.call(who, 'POST', '/api/order/ticket/checkin', { token, body });
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database ticket-check-in' }, { who: 'again' }),
    { first: () => send('first'), again: () => send('again') },
  );
  return {
    statuses: Object.values(answers).map(({ status }) => status),
    scans: (await arena.rows('SELECT FROM scans')).length,
    findings: await findings(arena),
  };
}

test('with the nonce’s guard, a scan that is sent twice counts once', async () => {
  expect(await sentTwice(await guarded())).toEqual({ statuses: [200, 200], scans: 1, findings: [] });
});

test('without the nonce’s guard, an admitted ticket holder is refused (I7)', async () => {
  const looks = { statement: 'scan-find-by-nonce', text: 's.nonce = $2', becomes: 's.nonce = $2 AND false' };
  const keeps = { statement: 'scan-keep-refusal', text: /ON CONFLICT[\s\S]*NOTHING/, becomes: '' };
  const arena = await unguarded([looks, keeps], 'DROP INDEX scans_nonce');
  expect(await sentTwice(arena)).toEqual({
    statuses: [409, 200],
    scans: 2,
    findings: ['I7 a scan was kept more than once'],
  });
});
