import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBase45, encodeBase45 } from '../../../../src/features/tickets/qr/base45.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** https://www.rfc-editor.org/rfc/rfc9285#section-4.3 */
test.each([
  ['AB', 'BB8'],
  ['Hello!!', '%69 VD92EX0'],
  ['base-45', 'UJCLQE7W581'],
  ['ietf!', 'QED8WEX0'],
  ['', ''],
])('%s is encoded as %s, as the RFC says', (plain, encoded) => {
  expect(encodeBase45(bytes(plain))).toBe(encoded);
  expect(decodeBase45(encoded)).toEqual(bytes(plain));
});

test.each(['GGW', ':::', 'A', 'AAAA', 'ab', 'Ü5', '::', 'A\u0000'])('%s is refused', (text) => {
  expect(decodeBase45(text)).toBeUndefined();
});

test('any bytes survive a round trip, in the QR alphabet', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (plain) => {
      const text = encodeBase45(plain);
      expect(text).toMatch(/^[0-9A-Z $%*+\-./:]*$/);
      expect(decodeBase45(text)).toEqual(plain);
    }),
  );
});
