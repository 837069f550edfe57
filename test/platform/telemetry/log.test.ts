import type { Logger } from 'pino';
import { describe, expect, test } from 'vitest';
import { createLog } from '../../../src/platform/telemetry/log.ts';

/** What is written to a log, whose lines are one text. */
function logged(write: (log: Logger) => void): string {
  const lines: string[] = [];
  write(createLog('info', { write: (line) => void lines.push(line) }));
  return lines.join('');
}

const withError = (error: unknown) => logged((log) => log.error({ err: error }, 'it failed'));

test('an error is logged with its causes, without the properties that drivers add to it', () => {
  const driver = Object.assign(new Error('duplicate key value'), {
    code: '23505',
    detail: 'Key (user_id)=(personal) exists',
    where: 'row personal',
  });
  const stripe = Object.assign(new Error('card declined', { cause: driver }), {
    raw: { billing_details: { name: 'Jane Personal' } },
  });
  const line = JSON.parse(withError(new Error('outer', { cause: stripe })));
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

test('credentials in a message are redacted', () => {
  const text = withError(
    new Error('at postgres://user:hidden@host/db with eyJhbGciOi.eyJzdWIi.c2ln and sk_live_hidden and whsec_hidden'),
  );
  expect(text).toContain('postgres://***@host/db with *** and *** and ***');
  expect(text).not.toMatch(/hidden|c2ln/);
});

test('fields that hold secrets are omitted', () => {
  const fields = { call: { authorization: 'hidden', token: 'hidden' }, authorization: 'hidden' };
  expect(logged((log) => log.info(fields))).not.toContain('hidden');
});

test('a message of several lines leaves none of them in the stack', () => {
  const text = withError(new Error('it says:\n  Jane Personal\n  password=hidden'));
  expect(JSON.parse(text).err.stack).not.toContain('Personal');
  expect(text).not.toContain('hidden');
});

test('the message of a line is redacted like its fields', () => {
  const line = logged((log) =>
    log.child({ reqId: 'r1' }).info({ url: 'redis://u:hidden@h' }, 'cannot open %s', 'postgres://u:hidden@h/db'),
  );
  expect(JSON.parse(line)).toMatchObject({ reqId: 'r1', url: 'redis://***@h', msg: 'cannot open postgres://***@h/db' });
});

describe('an error is logged without its secrets', () => {
  const error = Object.assign(new Error('at postgres://u:hidden@h/db'), { args: ['AUTH', 'hidden'], sql: 'hidden' });

  test.each<[string, (log: Logger) => void]>([
    ['as the line itself', (log) => log.error(error)],
    ['without a message beside it', (log) => log.error({ err: error })],
    ['with a message beside it', (log) => log.error(error, 'it failed')],
    ['under another name, nested, among others', (log) => log.error({ reason: error, all: [{ error }] }, 'it failed')],
    ['from a child logger', (log) => log.child({ reqId: 'r' }).error({ err: error, cause: error }, 'it failed')],
  ])('%s', (_how, write) => {
    expect(logged(write)).toContain('postgres://***@h/db');
    expect(logged(write)).not.toContain('hidden');
  });
});
