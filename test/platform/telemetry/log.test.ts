import { expect, test } from 'vitest';
import { createLog } from '../../../src/platform/telemetry/log.ts';

function logged(error: unknown): string {
  const lines: string[] = [];
  createLog('info', { write: (line) => void lines.push(line) }).error({ err: error }, 'it failed');
  return lines.join('');
}

test('an error is logged with its causes, without what drivers hang on it', () => {
  const driver = Object.assign(new Error('duplicate key value'), {
    code: '23505',
    detail: 'Key (user_id)=(personal) exists',
    where: 'row personal',
  });
  const stripe = Object.assign(new Error('card declined', { cause: driver }), {
    raw: { billing_details: { name: 'Jane Personal' } },
  });
  const line = JSON.parse(logged(new Error('outer', { cause: stripe })));
  expect(line).toMatchObject({
    msg: 'it failed',
    service: 'ms-ticketing',
    err: {
      message: 'outer',
      cause: { message: 'card declined', cause: { message: 'duplicate key value', code: '23505' } },
    },
  });
  expect(JSON.stringify(line)).not.toContain('ersonal');
});

test('credentials in a message are cut', () => {
  const text = logged(
    new Error(
      'at postgres://user:hidden@host/db with eyJhbGciOi.eyJzdWIi.c2ln and sk_live_hidden and whsec_hidden',
    ),
  );
  expect(text).toContain('postgres://***@host/db with *** and *** and ***');
  expect(text).not.toMatch(/hidden|c2ln/);
});

test('fields that hold secrets are left out', () => {
  const lines: string[] = [];
  createLog('info', { write: (line) => void lines.push(line) }).info({
    call: { authorization: 'hidden', token: 'hidden' },
    authorization: 'hidden',
  });
  expect(lines.join('')).not.toContain('hidden');
});

test('a message of several lines leaves none of them in the stack', () => {
  const text = logged(new Error('it says:\n  Jane Personal\n  password=hidden'));
  expect(JSON.parse(text).err.stack).not.toContain('Personal');
  expect(text).not.toContain('hidden');
});

test('the words of a line are cut like its fields', () => {
  const lines: string[] = [];
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  log
    .child({ reqId: 'r1' })
    .info({ url: 'redis://u:hidden@h' }, 'cannot open %s', 'postgres://u:hidden@h/db');
  expect(JSON.parse(lines.join(''))).toMatchObject({
    reqId: 'r1',
    url: 'redis://***@h',
    msg: 'cannot open postgres://***@h/db',
  });
});
