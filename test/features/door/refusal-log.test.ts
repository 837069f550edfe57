import { expect, test } from 'vitest';
import { RefusalLog } from '../../../src/features/door/refusal-log.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type UserId } from '../../../src/kernel/ids.ts';

const [ANN, BEN] = [as<UserId>('ann'), as<UserId>('ben')];

test('log-at-will: a user’s refusals make few lines a minute, and none is lost from the numbers', () => {
  let now = 0;
  const lines: unknown[] = [];
  const info = (...line: unknown[]) => lines.push(line);
  const log = { info, warn: info };
  const counted: Record<string, number> = {};
  const refusals = new RefusalLog({
    clock: { now: () => instant(now) },
    level: 'info',
    message: 'scans were refused',
    maxLinesAMinute: 20,
    count: (code, scans) => {
      counted[code] = (counted[code] ?? 0) + scans;
    },
  });
  for (let at = 0; at < 1_000; at += 1) refusals.note(log, ANN, { ticket_forged: 1 });
  expect(lines).toHaveLength(20);
  expect(lines[19]).toEqual([{ refused: { ticket_forged: 1 }, userId: ANN }, 'scans were refused']);
  refusals.note(log, BEN, {});
  refusals.note(log, BEN, { ticket_too_late: 2 });
  expect(lines.slice(20)).toEqual([[{ refused: { ticket_too_late: 2 }, userId: BEN }, 'scans were refused']]);
  now = 59_999;
  refusals.note(log, ANN, { ticket_too_late: 1 });
  expect(lines).toHaveLength(21);
  now = 60_000;
  for (let at = 0; at < 100; at += 1) refusals.note(log, ANN, { ticket_forged: 1 });
  expect(lines).toHaveLength(41);
  expect(counted).toEqual({ ticket_forged: 1_100, ticket_too_late: 3 });
  expect(lines[21]).toMatchObject([
    { refused: { ticket_forged: 981, ticket_too_late: 1 }, userId: ANN },
    'scans were refused',
  ]);
});
