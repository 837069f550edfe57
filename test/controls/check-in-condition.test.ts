import { expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import type { Arena } from '../support/arena.ts';
import { twoScanners } from '../support/races.ts';
import { inStretches } from '../support/schedules.ts';
import { completedOrder, guarded, unguarded } from './open-arena.ts';

/** Two scanners scan a ticket, and both have read it before one of them writes; how many admit. */
async function twoScans(arena: Arena): Promise<number> {
  const scanners = await twoScanners(arena.platform);
  const path = `/api/order/${await completedOrder(arena)}/tickets`;
  const { body: tickets } = await arena.platform.app.call('GET', path, { token: arena.buyer });
  const qrText = await readQrCode(Buffer.from(tickets[0].qr_code, 'base64'));
  const scan = (who: string, token = '') =>
    arena.call(who, 'POST', '/api/order/ticket/checkin', { token, body: { encrypted_qr: qrText } });
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'left', before: 'database ticket-check-in' }, { who: 'right' }),
    { left: () => scan('left', scanners[0]), right: () => scan('right', scanners[1]) },
  );
  return Object.values(answers).filter(({ status }) => status === 200).length;
}

test('with the condition in the update, one scanner admits', async () => {
  expect(await twoScans(await guarded())).toBe(1);
});

test('without the condition in the update, two scanners admit with one ticket (I5)', async () => {
  const condition = {
    statement: 'ticket-check-in',
    text: 'AND (NOT t.checked_in OR t.left_at <= $3::timestamptz)',
    becomes: '',
  };
  expect(await twoScans(await unguarded([condition]))).toBe(2);
});
