import { describe, expect, test } from 'vitest';
import { redacted, redactedFields } from '../../../src/platform/telemetry/redaction.ts';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhYmMifQ.c2lnbmF0dXJl';
const EARLIER_QR = `${'aB3_-xYz'.repeat(67)}abc=`;
const QR = `8F2 ${'A1B2$%*+-./:C3D4'.repeat(12)}`.slice(0, 189);

describe('what is cut', () => {
  test.each([
    ['a database’s address', 'connect postgres://user:hidden@host/db failed', 'hidden'],
    ['a password with an @ in it', 'connect postgres://user:p@hidden@host/db failed', 'hidden'],
    ['a token', `refused ${JWT} just now`, 'c2lnbmF0dXJl'],
    ['a token cut short', `refused ${JWT.slice(0, 30)}… just now`, JWT.slice(0, 30)],
    ['a header', 'authorization: Bearer opaque-hidden.token', 'hidden'],
    ['a basic login', 'Authorization: Basic aGlkZGVuOmhpZGRlbg==', 'aGlkZGVu'],
    ['Stripe’s key', 'No such key: sk_live_hidden', 'hidden'],
    ['Stripe’s webhook secret', 'whsec_hidden', 'hidden'],
    ['an intent’s client secret', 'pi_3abc_secret_hidden is used up', 'hidden'],
    ['a query', 'GET /sse?access_token=opaquehidden&x=1', 'opaquehidden'],
    ['a form', 'grant_type=password&password=hidden&username=u', 'hidden'],
    ['a password of words', '{"password":"hidden words of mine"}', 'hidden'],
    ['an e-mail address', 'no user jane.hidden+x@example.co.uk', 'hidden'],
    ['a QR text', `cannot open ${QR}`, QR.slice(20, 60)],
    ['a QR text of the earlier service', `cannot open ${EARLIER_QR}`, EARLIER_QR.slice(20, 60)],
    ['a card', 'card 4242 4242 4242 4242 declined', '4242'],
  ])('%s', (_what, text, hidden) => {
    expect(redacted(text)).not.toContain(hidden);
    expect(JSON.stringify(redactedFields({ deep: [{ text }] }))).not.toContain(hidden);
    // Quoted within another text.
    expect(redacted(JSON.stringify({ text }))).not.toContain(hidden);
  });
});

test('a field is left out by its name, however deep', () => {
  const fields = {
    call: { Authorization: 'hidden', ms: 5, list: [{ token: 'hidden', n: 1 }] },
    email: 'hidden',
  };
  expect(redactedFields(fields)).toEqual({ call: { ms: 5, list: [{ n: 1 }] } });
});

test.each([
  'clientSecret',
  'accessToken',
  'Set-Cookie',
  'x-api-key',
  'qrCode',
  'encryptedQr',
  'receiptEmail',
  'KAFKA_PASSWORD',
])('a field named %s is left out', (name) => {
  expect(redactedFields({ deep: { [name]: 'hidden' }, n: 1 })).toEqual({ deep: {}, n: 1 });
});

test('bytes are counted, not told', () => {
  expect(redactedFields({ body: Buffer.from('hidden') })).toEqual({ body: '6 bytes' });
});

test('what is no secret stays', () => {
  const fields = {
    time: 1_764_040_000_000,
    reqId: '01a20dad-ed4f-770f-a987-ffc00282753b',
    route: '/api/order/:orderId/tokens',
    topic: 'ticketly.order.created',
    tokens: 5,
    none: null,
    text: 'payments compared with Stripe: pi_3QabcDEF012345 at https://api.example.com/v1/x, 2026-11-25T03:17:15.905Z',
  };
  expect(redactedFields(fields)).toEqual(fields);
});

test('costs little: ten thousand lines well within a second', () => {
  const fields = { method: 'POST', route: '/api/order', status: 201, ms: 12, text: 'x '.repeat(100) };
  const began = performance.now();
  for (let n = 0; n < 10_000; n += 1) redactedFields(fields);
  expect(performance.now() - began).toBeLessThan(1_000);
});
