import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashEarlierText, toShortHash } from '../../../../src/features/tickets/qr/earlier-text.ts';
import { earlierText } from '../../../support/earlier-codes.ts';

const aText = () =>
  earlierText({ ticketId: randomUUID(), orderId: randomUUID(), seatId: randomUUID(), seatLabel: 'A12' });
const hashOf = async (text: unknown) => (await hashEarlierText(text))?.toHex();

describe('legacy-qr: the hash of an earlier text', () => {
  test('it ignores blanks and line ends around the text, and missing padding', async () => {
    const around = fc.stringMatching(/^[ \t\r\n]{0,4}$/);
    await fc.assert(
      fc.asyncProperty(around, around, fc.boolean(), async (before, after, isPadded) => {
        const text = aText();
        const scanned = `${before}${isPadded ? text : text.replace(/=+$/, '')}${after}`;
        expect(await hashOf(scanned)).toBe(await hashOf(text));
      }),
    );
  });

  test('it changes when any character changes', async () => {
    const text = aText();
    const hash = await hashOf(text);
    expect(hash).toHaveLength(64);
    const length = text.replace(/=+$/, '').length;
    for (let at = 0; at < length; at += 1) {
      const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
      expect(await hashOf(changed), `character ${at}`).not.toBe(hash);
    }
  });

  test('it is undefined for a text that the earlier service cannot have made', async () => {
    const invalid = [
      '',
      undefined,
      null,
      540,
      randomUUID(),
      'https://example.com/ticket/1',
      'A'.repeat(127),
      'A'.repeat(2_049),
      `${'A'.repeat(300)} ${'A'.repeat(300)}`,
      `${'A'.repeat(300)}+`,
      `${'A'.repeat(300)}===`,
      ' '.repeat(2_000),
    ];
    for (const text of invalid) expect(await hashEarlierText(text), String(text)).toBeUndefined();
  });

  test('its first half stands in a bundle, in base64url', async () => {
    const hash = (await hashEarlierText(aText())) ?? new Uint8Array();
    expect(toShortHash(hash)).toBe(Buffer.from(hash).subarray(0, 16).toString('base64url'));
  });
});
