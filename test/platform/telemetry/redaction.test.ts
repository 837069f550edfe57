import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { MAX_TEXT_CHARS, redacted, redactedFields } from '../../../src/platform/telemetry/redaction.ts';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhYmMifQ.c2lnbmF0dXJl';
const EARLIER_QR = `${'aB3_-xYz'.repeat(67)}abc=`;
const QR = `8F2 ${'A1B2$%*+-./:C3D4'.repeat(12)}`.slice(0, 189);

describe('redaction of', () => {
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
    ['a card in one', 'card 4242424242424242 declined', '4242'],
    ['a card with hyphens', 'card 5555-5555-5555-4444 declined', '5555'],
    ['a card of 15 digits', 'card 3782 822463 10005 declined', '822463'],
    ['a card of 13 digits', 'card 4222222222222 declined', '4222'],
    ['a card of 19 digits', 'card 6205500000000000004 declined', '62055'],
    ['a card and its expiry', 'card 4242 4242 4242 4242 12 2031 declined', '4242'],
    ['a card after a number', '3 4242424242424242', '4242'],
    ['a card beside a UUID', '11111111-1111-1111-1111-111111111111 4242424242424242', '4242'],
  ])('%s', (_what, text, hidden) => {
    expect(redacted(text)).not.toContain(hidden);
    expect(JSON.stringify(redactedFields({ deep: [{ text }] }))).not.toContain(hidden);
    // Quoted within another text.
    expect(redacted(JSON.stringify({ text }))).not.toContain(hidden);
  });
});

test('a field is omitted by its name, at any depth', () => {
  const fields = { call: { Authorization: 'hidden', ms: 5, list: [{ token: 'hidden', n: 1 }] }, email: 'hidden' };
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
])('a field named %s is omitted', (name) => {
  expect(redactedFields({ deep: { [name]: 'hidden' }, n: 1 })).toEqual({ deep: {}, n: 1 });
});

test('bytes are logged as their number', () => {
  expect(redactedFields({ body: Buffer.from('hidden') })).toEqual({ body: '6 bytes' });
});

test('values that are not secret stay', () => {
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

describe('digits: a number that is not a card number stays', () => {
  test.each([
    ['a UUID of digits only', '22222222-2222-2222-2222-222222222222'],
    ['a UUID of digits that pass a card’s check', '42424242-4242-4242-9242-424242424242'],
    ['a list of such UUIDs', '42424242-4242-4242-9242-424242424242,12345678-1234-4234-9234-123456789012'],
    ['an address with such a UUID', '/api/order/42424242-4242-4242-9242-424242424242/tickets'],
    ['the first groups of such a UUID', '42424242-4242-4242'],
    ['the last groups of such a UUID', '4242-4242-424242424242'],
    ['16 digits that fail the check', 'order 4242424242424241'],
    ['milliseconds since 1970', 'at 1764040000005'],
    ['20 digits', 'offset 42424242424242424242'],
    ['12 digits', 'order 424242424242'],
    ['an id with digits', 'pi_4242424242424242'],
    ['a time', '2026-11-25 03:17:15.905 2026-11-26'],
  ])('%s', (_what, text) => {
    expect(redacted(text)).toBe(text);
    expect(redactedFields({ text })).toEqual({ text });
  });
});

describe('a long text', () => {
  const LENGTH = 65_536;

  test.each(['a', 'A', '1', '-', '.', '@', ' ', '/', '1 ', 'a@', 'a.', '//', 'token', 'token ', 'token\\\\', 'eyJ'])(
    'it is cut before redaction when it is made of %j, so that the work is bounded',
    (piece) => {
      const text = piece.repeat(LENGTH / piece.length);
      const left = redacted(text);
      expect(left.length).toBeLessThan(MAX_TEXT_CHARS + 100);
      expect(left.endsWith(`… (${text.length} characters)`)).toBe(true);
    },
  );

  test.each([
    ['an address', `${'x '.repeat(MAX_TEXT_CHARS / 2 - 10)}postgres://user:hiddenhiddenhidden@host/db`],
    ['a card', `${'x '.repeat(MAX_TEXT_CHARS / 2 - 5)}4242 4242 4242 4242`],
    ['an e-mail address', `${'x '.repeat(MAX_TEXT_CHARS / 2 - 5)}jane.hidden@example.com`],
    ['a QR text', `${'x '.repeat(MAX_TEXT_CHARS / 2 - 20)}${QR}`],
  ])('it keeps nothing of %s that begins before the cut', (_what, text) => {
    const whole = `${text} ${'y'.repeat(MAX_TEXT_CHARS)}`;
    expect(redacted(whole)).not.toMatch(/hidden|4242|A1B2/);
    // Also where the cut goes through it.
    for (let shift = 0; shift < 64; shift += 1)
      expect(redacted('z'.repeat(1_000 + shift) + whole)).not.toMatch(/hidden|4242|A1B2/);
  });
});

/** The lengths of the texts that a pattern is run over while `work` is done, one per pass. */
function passesOf(work: () => unknown): number[] {
  const replace = vi.spyOn(RegExp.prototype, Symbol.replace);
  try {
    work();
    return replace.mock.calls.map(([text]) => text.length);
  } finally {
    replace.mockRestore();
  }
}

test('redaction: whatever surrounds it, also 64 kB of pieces of secrets, a key is cut', () => {
  const pieces = [
    'a',
    '1',
    '-',
    '.',
    '@',
    ' ',
    '/',
    '_',
    '=',
    '"',
    '\\',
    ':',
    '4242',
    'token',
    'client_',
    'Bearer',
    'eyJ',
  ];
  const texts = fc
    .tuple(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 65_536 }))
    .map(([some, length]) => some.join('').repeat(length).slice(0, length));
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      expect(redacted(`${before} sk_live_hidden ${after}`)).not.toContain('hidden');
    }),
  );
});

describe('the work of redaction', () => {
  // The text without a secret shows how many patterns there are.
  const passes = passesOf(() => redacted('x')).length;

  test.each([
    ['an ordinary log line', 'payments compared with Stripe: pi_3QabcDEF012345'],
    ['many secrets', `token=hidden jane.hidden@example.com ${JWT} `.repeat(50)],
    ['the longest text that is not cut', 'x '.repeat(MAX_TEXT_CHARS / 2)],
  ])('it is one pass of each pattern over %s', (_what, text) => {
    const lengths = passesOf(() => redacted(text));
    expect(lengths).toHaveLength(passes);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(text.length);
  });

  test('it does not grow with a text that is longer than the limit', () => {
    const [once, tenTimes] = [2, 20].map((times) => passesOf(() => redacted('x '.repeat(times * MAX_TEXT_CHARS))));
    expect(tenTimes).toEqual(once);
    expect(once).toHaveLength(passes);
  });

  test('it is one pass over the name of each field, and one pass of each pattern over each text in them', () => {
    const line = { method: 'POST', route: '/api/order', status: 201, ms: 12, none: null };
    const ofLine = 5 + 2 * passes;
    expect(passesOf(() => redactedFields(line))).toHaveLength(ofLine);
    const lines = Array.from({ length: 10 }, () => line);
    expect(passesOf(() => redactedFields({ lines }))).toHaveLength(1 + 10 * ofLine);
  });
});
