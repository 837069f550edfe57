import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeBase45, encodeBase45 } from '../../../../src/features/tickets/qr/base45.ts';
import { deriveRootKeys, deriveSessionKeys } from '../../../../src/features/tickets/qr/keys.ts';
import { openQr } from '../../../../src/features/tickets/qr/opener.ts';
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

describe('sealing a ticket', () => {
  test('it always returns the same text, short and in the QR alphabet', async () => {
    const again = await createTicketSealer([KEY]);
    expect(await again.seal({ ticketId: TICKET, sessionId: SESSION })).toBe(text);
    expect(text).toHaveLength(189);
    expect(text).toMatch(/^[0-9A-Z $%*+\-./:]+$/);
  });

  test('it returns this fixed text: tickets that are printed already must open after an upgrade', () => {
    expect(text).toBe(
      'X90P95U:T+3P.K8X:JSKC38RJ/OH:78IM393 36C51QA5UZRNOQD-JY/ARYLS*LG:L*5WY+HQ7QJ50NTP6D53%J*39%KN2V3K5P%3EFDI0ZF*3QW' +
        '+2YYHDIHOSLU60S53*DPSY4DBI7G6DXPH09Q3M5:NCZOD.H8038VSSSCNDRDF7Y1GOT4-86.GQ%L0',
    );
  });

  test.each(['', 'abcd', TICKET.slice(1), `${TICKET}55`, TICKET.toUpperCase(), 'not-a-uuid'])(
    'it refuses an id that would print a ticket which never opens: %s',
    async (id) => {
      const broken = { ticketId: as<TicketId>(id), sessionId: SESSION };
      await expect(sealer.seal(broken)).rejects.toThrow(RangeError);
      await expect(sealer.seal({ ticketId: TICKET, sessionId: as<SessionId>(id) })).rejects.toThrow(RangeError);
    },
  );

  test('any ticket of any session survives a round trip', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.uuid(), async (ticketId, sessionId) => {
        const ticket = { ticketId: as<TicketId>(ticketId), sessionId: as<SessionId>(sessionId) };
        const opened = { outcome: 'opened', keyId: sealer.currentKeyId, ...ticket };
        expect(await sealer.open(await sealer.seal(ticket))).toEqual(opened);
      }),
      { numRuns: 50 },
    );
  });

  test('it shows no part of the ticket in clear', () => {
    expect(Buffer.from(bytesOf(text)).toString('hex')).not.toContain(TICKET.replaceAll('-', ''));
  });
});

describe('opening a code', () => {
  test('it refuses a text with any single bit flipped', async () => {
    const bytes = bytesOf(text);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const altered = Uint8Array.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await sealer.open(encodeBase45(altered)), `bit ${bit}`).toMatchObject({ outcome: 'refused' });
    }
  });

  test('it refuses every prefix of a text', async () => {
    for (let length = 0; length < text.length; length += 1) {
      expect(await sealer.open(text.slice(0, length))).toEqual(refused('not_a_ticket'));
    }
  });

  test('it refuses every prefix of the bytes, and any bytes after them', async () => {
    const bytes = bytesOf(text);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(await sealer.open(encodeBase45(bytes.slice(0, length)))).toEqual(refused('not_a_ticket'));
    }
    expect(await sealer.open(encodeBase45(Uint8Array.from([...bytes, 0])))).toEqual(refused('not_a_ticket'));
  });

  test('it refuses a ticket that was moved into another session', async () => {
    const other = await sealer.seal({ ticketId: TICKET, sessionId: OTHER_SESSION });
    const swapped = Uint8Array.from([...bytesOf(other).slice(0, 18), ...bytesOf(text).slice(18)]);
    expect(await sealer.open(encodeBase45(swapped))).toEqual(refused('forged'));
  });

  test('it refuses any garbage without an error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 300 }),
          fc.uint8Array({ minLength: 126, maxLength: 126 }).map(encodeBase45),
        ),
        async (garbage) => {
          expect(await sealer.open(garbage)).toMatchObject({ outcome: 'refused' });
        },
      ),
    );
    expect(await sealer.open('A'.repeat(10_000_000))).toEqual(refused('not_a_ticket'));
    for (const nothing of [undefined, null, 5, {}, Array.from(text), { length: text.length }]) {
      expect(await sealer.open(nothing as unknown as string)).toEqual(refused('not_a_ticket'));
    }
  });
});

describe('the keys of a sealer', () => {
  test('a key that is no longer the first still opens, and no longer seals', async () => {
    const before = await createTicketSealer([OLD_KEY]);
    const printed = await before.seal({ ticketId: TICKET, sessionId: SESSION });
    const after = await createTicketSealer([KEY, OLD_KEY]);
    const opened = { outcome: 'opened', keyId: before.currentKeyId, ticketId: TICKET, sessionId: SESSION };
    expect(await after.open(printed)).toEqual(opened);
    expect(await after.seal({ ticketId: TICKET, sessionId: SESSION })).toBe(text);
    expect(after.currentKeyId).toBe(sealer.currentKeyId);
    expect(await sealer.open(printed)).toEqual(refused('unknown_key'));
  });

  test('two keys with the same id are both tried', async () => {
    const twins = [6, 20].map((byte) => Buffer.alloc(32, byte).toString('base64'));
    const [current, old] = await Promise.all(twins.map((key) => createTicketSealer([key])));
    expect(current?.currentKeyId).toBe(old?.currentKeyId);
    const both = await createTicketSealer(twins);
    for (const printer of [current, old]) {
      const printed = (await printer?.seal({ ticketId: TICKET, sessionId: SESSION })) ?? '';
      expect(await both.open(printed)).toMatchObject({ outcome: 'opened', ticketId: TICKET });
    }
    const printedByOld = (await old?.seal({ ticketId: TICKET, sessionId: SESSION })) ?? '';
    expect(await current?.open(printedByOld)).toEqual(refused('forged'));
  });

  test('at least one is required', async () => {
    await expect(createTicketSealer([])).rejects.toThrow('QR_SECRET_KEY: at least one key is required.');
  });

  test.each(['', 'short', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64'), '*'.repeat(44)])(
    'a key that is not 32 bytes is refused without being shown: %s',
    async (key) => {
      const error = await createTicketSealer([key]).catch((thrown: Error) => thrown.message);
      expect(error).toBe('QR_SECRET_KEY: each key must be base64 of 32 bytes.');
    },
  );

  test('a scanner opens with its session’s sealing key and the public key, which cannot sign', async () => {
    const root = await deriveRootKeys(KEY);
    const { sealingKey } = await deriveSessionKeys(root, SESSION);
    const parts = parseQrText(text);
    if (!parts) throw new Error('not parsed');
    const opened = await openQr(parts, { publicKey: root.publicKey, sealingKey });
    expect(opened).toEqual({ ticketId: TICKET, sessionId: SESSION });
    expect([root.publicKey.type, root.publicKey.usages]).toEqual(['public', ['verify']]);
    expect([sealingKey.type, sealingKey.algorithm]).toEqual(['secret', { name: 'AES-GCM', length: 256 }]);
    const other = await deriveSessionKeys(root, OTHER_SESSION);
    expect(await openQr(parts, { publicKey: root.publicKey, sealingKey: other.sealingKey })).toBeUndefined();
  });

  test('a code that a stolen scanner seals does not open', async () => {
    const root = await deriveRootKeys(KEY);
    const { sealingKey } = await deriveSessionKeys(root, SESSION);
    const forger = await createTicketSealer([OLD_KEY]);
    const forged = bytesOf(await forger.seal({ ticketId: TICKET, sessionId: SESSION }));
    const header = bytesOf(text).slice(0, 18);
    const plaintext = new Uint8Array(80).fill(7);
    const nonce = forged.slice(18, 30);
    const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: header };
    const sealed = await crypto.subtle.encrypt(algorithm, sealingKey, plaintext);
    const whole = Uint8Array.from([...header, ...nonce, ...new Uint8Array(sealed)]);
    expect(await sealer.open(encodeBase45(whole))).toEqual(refused('forged'));
  });
});
