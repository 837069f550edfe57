import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readQrCode } from '../../../../scripts/qr-reader.ts';
import { decodeBase45, encodeBase45 } from '../../../../src/features/tickets/qr/base45.ts';
import { deriveRootKeys, deriveSessionKeys } from '../../../../src/features/tickets/qr/keys.ts';
import { openQr } from '../../../../src/features/tickets/qr/opener.ts';
import { createQrDrawer } from '../../../../src/features/tickets/qr/qr-image.ts';
import { parseQrText } from '../../../../src/features/tickets/qr/qr-text.ts';
import { createTicketSealer, type TicketSealer } from '../../../../src/features/tickets/qr/sealer.ts';
import { as, type SessionId, type TicketId } from '../../../../src/kernel/ids.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const OLD_KEY = Buffer.alloc(32, 2).toString('base64');
const TICKET = as<TicketId>('8e688506-02b1-49ed-9612-5472dd044744');
const SESSION = as<SessionId>('293bed3f-c670-42f6-9e28-628cd6fec57a');
const OTHER_SESSION = as<SessionId>('393bed3f-c670-42f6-9e28-628cd6fec57a');
const refused = (reason: string) => ({ outcome: 'refused', reason });

let sealer: TicketSealer;
let text: string;

beforeAll(async () => {
  sealer = await createTicketSealer([KEY]);
  text = await sealer.seal({ ticketId: TICKET, sessionId: SESSION });
});

function bytesOf(sealed: string): Uint8Array {
  return decodeBase45(sealed) ?? new Uint8Array();
}

describe('sealing', () => {
  test('gives the same text always, short and in the QR alphabet', async () => {
    const again = await createTicketSealer([KEY]);
    expect(await again.seal({ ticketId: TICKET, sessionId: SESSION })).toBe(text);
    expect(text).toHaveLength(189);
    expect(text).toMatch(/^[0-9A-Z $%*+\-./:]+$/);
  });

  test('any ticket of any session comes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.uuid(), async (ticketId, sessionId) => {
        const ticket = { ticketId: as<TicketId>(ticketId), sessionId: as<SessionId>(sessionId) };
        expect(await sealer.open(await sealer.seal(ticket))).toEqual({ outcome: 'opened', ...ticket });
      }),
      { numRuns: 50 },
    );
  });

  test('says nothing of the ticket in clear', () => {
    expect(Buffer.from(bytesOf(text)).toString('hex')).not.toContain(TICKET.replaceAll('-', ''));
  });
});

describe('opening', () => {
  test('refuses a text with any one bit flipped', async () => {
    const bytes = bytesOf(text);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const altered = Uint8Array.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await sealer.open(encodeBase45(altered)), `bit ${bit}`).toMatchObject({ outcome: 'refused' });
    }
  });

  test('refuses every beginning of a text', async () => {
    for (let length = 0; length < text.length; length += 1) {
      expect(await sealer.open(text.slice(0, length))).toEqual(refused('not_a_ticket'));
    }
  });

  test('refuses a ticket put into another session', async () => {
    const other = await sealer.seal({ ticketId: TICKET, sessionId: OTHER_SESSION });
    const swapped = Uint8Array.from([...bytesOf(other).slice(0, 18), ...bytesOf(text).slice(18)]);
    expect(await sealer.open(encodeBase45(swapped))).toEqual(refused('forged'));
  });

  test('refuses any rubbish without an error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 300 }),
          fc.uint8Array({ minLength: 126, maxLength: 126 }).map(encodeBase45),
        ),
        async (rubbish) => {
          expect(await sealer.open(rubbish)).toMatchObject({ outcome: 'refused' });
        },
      ),
    );
    expect(await sealer.open('A'.repeat(10_000_000))).toEqual(refused('not_a_ticket'));
  });
});

describe('keys', () => {
  test('an old one after the current one still opens, and no longer seals', async () => {
    const before = await createTicketSealer([OLD_KEY]);
    const printed = await before.seal({ ticketId: TICKET, sessionId: SESSION });
    const after = await createTicketSealer([KEY, OLD_KEY]);
    expect(await after.open(printed)).toMatchObject({ outcome: 'opened', ticketId: TICKET });
    expect(await after.seal({ ticketId: TICKET, sessionId: SESSION })).toBe(text);
    expect(await sealer.open(printed)).toEqual(refused('unknown_key'));
  });

  test.each([
    '',
    'short',
    Buffer.alloc(31).toString('base64'),
    Buffer.alloc(33).toString('base64'),
    '*'.repeat(44),
  ])('one that is not 32 bytes is refused without being shown: %s', async (key) => {
    const error = await createTicketSealer([key]).catch((thrown: Error) => thrown.message);
    expect(error).toBe('QR_SECRET_KEY: each key must be base64 of 32 bytes.');
  });

  test('a scanner opens with its session’s sealing key and the public key, which cannot sign', async () => {
    const root = await deriveRootKeys(KEY);
    const { sealingKey } = await deriveSessionKeys(root, SESSION);
    const parts = parseQrText(text);
    if (!parts) throw new Error('not parsed');
    expect(await openQr(parts, { publicKey: root.publicKey, sealingKey })).toEqual({
      ticketId: TICKET,
      sessionId: SESSION,
    });
    expect(root.publicKey.usages).toEqual(['verify']);
    const other = await deriveSessionKeys(root, OTHER_SESSION);
    expect(await openQr(parts, { publicKey: root.publicKey, sealingKey: other.sealingKey })).toBeUndefined();
  });

  test('what a stolen scanner seals itself does not open', async () => {
    const root = await deriveRootKeys(KEY);
    const { sealingKey } = await deriveSessionKeys(root, SESSION);
    const forger = await createTicketSealer([OLD_KEY]);
    const forged = bytesOf(await forger.seal({ ticketId: TICKET, sessionId: SESSION }));
    const header = bytesOf(text).slice(0, 18);
    const plaintext = new Uint8Array(80).fill(7);
    const nonce = forged.slice(18, 30);
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: header },
      sealingKey,
      plaintext,
    );
    const whole = Uint8Array.from([...header, ...nonce, ...new Uint8Array(sealed)]);
    expect(await sealer.open(encodeBase45(whole))).toEqual(refused('forged'));
  });
});

test('the picture is read by another decoder as the same text', async () => {
  const picture = createQrDrawer()(text);
  expect(await readQrCode(Buffer.from(picture, 'base64'))).toBe(text);
  expect(createQrDrawer()(text)).toBe(picture);
});
