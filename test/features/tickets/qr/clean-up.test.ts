import { beforeAll, describe, expect, test } from 'vitest';
import { hashEarlierText } from '../../../../src/features/tickets/qr/earlier-text.ts';
import { formatQrText, headerOf, parseQrText } from '../../../../src/features/tickets/qr/qr-text.ts';
import { createOfflineScanner, type OfflineScanner } from '../../../../src/features/tickets/qr/scanner.ts';
import { createTicketSealer, type TicketSealer } from '../../../../src/features/tickets/qr/sealer.ts';
import { as, type SessionId, type TicketId } from '../../../../src/kernel/ids.ts';
import { earlierText } from '../../../support/earlier-codes.ts';

const TICKET = as<TicketId>('8e688506-02b1-49ed-9612-5472dd044744');
const SESSION = as<SessionId>('293bed3f-c670-42f6-9e28-628cd6fec57a');

/** What scanners, pages, mails and people do to a text without meaning any harm. */
const CLEAN_UPS: [string, (text: string) => string][] = [
  ['as it is', (text) => text],
  ['trimmed', (text) => text.trim()],
  ['with blanks around it', (text) => `  ${text}  `],
  ['trimmed, with a line end after it', (text) => `${text.trim()}\r\n`],
  ['with line ends and a byte order mark around it', (text) => `\ufeff\r\n${text}\r\n`],
  ['wrapped into lines', (text) => text.replace(/.{40}/g, '$&\r\n')],
  ['with blanks that do not break', (text) => text.replaceAll(' ', '\u00a0')],
  ['in lower case', (text) => text.toLowerCase()],
  ['trimmed, in lower case, with a tab', (text) => `\t${text.trim().toLowerCase()}`],
];

/** Key ids whose texts begin with a blank: the first two bytes, version and key id, make the first three characters. */
const LEADING_BLANKS = [5, 50, 95, 140, 185, 230];

describe.each(CLEAN_UPS)('qr-leading-blank: a text %s', (_name, cleanUp) => {
  test('it has the same parts with each of the 256 key ids', () => {
    const [nonce, sealed] = [new Uint8Array(12).fill(200), new Uint8Array(96).fill(36)];
    for (let keyId = 0; keyId < 256; keyId += 1) {
      const text = formatQrText(headerOf(keyId, SESSION), nonce, sealed);
      expect(text.startsWith(' '), `key ${keyId}`).toBe(LEADING_BLANKS.includes(keyId));
      expect(parseQrText(cleanUp(text)), `key ${keyId}`).toMatchObject({ keyId, sessionId: SESSION, nonce, sealed });
    }
  });
});

describe.each([
  ['5', 16],
  ['50', 101],
  ['95', 189],
  ['140', 79],
])('qr-leading-blank: a ticket of a key with the id %s', (keyId, secretByte) => {
  let sealer: TicketSealer;
  let text: string;
  let scanner: () => Promise<OfflineScanner>;

  beforeAll(async () => {
    sealer = await createTicketSealer([Buffer.alloc(32, secretByte).toString('base64')]);
    text = await sealer.seal({ ticketId: TICKET, sessionId: SESSION });
    const keys = (await sealer.readingKeys(SESSION)).map((key) => ({
      key_id: key.keyId,
      public_key: key.publicKey,
      sealing_key: key.sealingKey,
    }));
    const tickets = [[TICKET, 'A1', 'VIP', 'valid']];
    scanner = () => createOfflineScanner({ session_id: SESSION, version: '1', is_complete: true, keys, tickets });
  });

  test.each(CLEAN_UPS)('the service and an offline scanner read its text %s', async (_name, cleanUp) => {
    expect([String(sealer.currentKeyId), text[0]]).toEqual([keyId, ' ']);
    expect(await sealer.open(cleanUp(text))).toMatchObject({ outcome: 'opened', ticketId: TICKET });
    expect(await (await scanner()).scan(cleanUp(text))).toMatchObject({ outcome: 'admitted', ticketId: TICKET });
  });
});

test('a text of the earlier service is recognised when it was wrapped, and not in lower case', async () => {
  const text = earlierText({ ticketId: 'a', orderId: 'b', seatId: 'c', seatLabel: 'A12' });
  const hash = await hashEarlierText(text);
  expect(hash).toBeDefined();
  expect(await hashEarlierText(`\ufeff${text.replace(/.{40}/g, '$&\r\n')}\r\n`)).toEqual(hash);
  expect(await hashEarlierText(text.toLowerCase())).not.toEqual(hash);
});
