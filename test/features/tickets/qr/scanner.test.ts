import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeBase45, encodeBase45 } from '../../../../src/features/tickets/qr/base45.ts';
import { hashEarlierText, toShortHash } from '../../../../src/features/tickets/qr/earlier-text.ts';
import { formatQrText, fromUuid, headerOf, join } from '../../../../src/features/tickets/qr/qr-text.ts';
import { createOfflineScanner, type ScannerBundle } from '../../../../src/features/tickets/qr/scanner.ts';
import { createTicketSealer, type TicketSealer } from '../../../../src/features/tickets/qr/sealer.ts';
import { as, type SessionId, type TicketId } from '../../../../src/kernel/ids.ts';
import { HAS_BROWSER, runInBrowser } from '../../../support/browser.ts';
import { earlierText } from '../../../support/earlier-codes.ts';

const NEW_KEY = Buffer.alloc(32, 1).toString('base64');
const OLD_KEY = Buffer.alloc(32, 2).toString('base64');
const session = as<SessionId>(randomUUID());
const newTicket = () => as<TicketId>(randomUUID());
const [good, printedBefore, used, cancelled] = [newTicket(), newTicket(), newTicket(), newTicket()];
const [unlisted, sold, soldEarlier] = [newTicket(), newTicket(), newTicket()];
const [voidedEarlier, reissued] = [newTicket(), newTicket()];

let sealer: TicketSealer;
let bundle: ScannerBundle;
let changes: ScannerBundle;
/** The name of a text, the text, and the scanner’s answer to it, in the order they are scanned. */
let texts: [string, unknown, string][];

/** A forgery by an attacker with a scanner’s keys: sealed correctly, signed with a key of the attacker’s own. */
async function forgedWithBundle(ticketId: TicketId): Promise<string> {
  const [key] = bundle.keys;
  const bytes = Uint8Array.fromBase64(key?.sealing_key ?? '', { alphabet: 'base64url' });
  const sealing = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt']);
  const header = headerOf(key?.key_id ?? 0, session);
  const { privateKey } = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as {
    privateKey: CryptoKey;
  };
  const signature = await crypto.subtle.sign('Ed25519', privateKey, join(header, fromUuid(ticketId)));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const plain = join(fromUuid(ticketId), new Uint8Array(signature));
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: header };
  return formatQrText(header, nonce, new Uint8Array(await crypto.subtle.encrypt(algorithm, sealing, plain)));
}

/** The text of a ticket that the earlier service sold, and its hash as in a bundle. */
async function earlierCode(ticketId: TicketId): Promise<{ text: string; hash: string }> {
  const text = earlierText({ ticketId, orderId: randomUUID(), seatId: randomUUID(), seatLabel: 'A12' });
  const hash = await hashEarlierText(text);
  if (!hash) throw new Error('this is no text of the earlier service');
  return { text, hash: toShortHash(hash) };
}

function flipped(text: string): string[] {
  const bytes = decodeBase45(text) ?? new Uint8Array();
  // Not the session’s id, which is stored in clear: that would be another session’s ticket.
  const bits = Array.from({ length: bytes.length * 8 }, (_, bit) => bit).filter((bit) => bit < 16 || bit >= 144);
  return bits.map((bit) => {
    const altered = Uint8Array.from(bytes);
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return encodeBase45(altered);
  });
}

beforeAll(async () => {
  sealer = await createTicketSealer([NEW_KEY, OLD_KEY]);
  const [old, withdrawn] = await Promise.all([
    createTicketSealer([OLD_KEY]),
    createTicketSealer([Buffer.alloc(32, 3).toString('base64')]),
  ]);
  const seal = (ticketId: TicketId, by = sealer) => by.seal({ ticketId, sessionId: session });
  const keys = (await sealer.readingKeys(session)).map(({ keyId, publicKey, sealingKey }) => ({
    key_id: keyId,
    public_key: publicKey,
    sealing_key: sealingKey,
  }));
  const [ofSold, ofVoided, ofReissued, ofOther] = await Promise.all(
    [soldEarlier, voidedEarlier, reissued, reissued].map(earlierCode),
  );
  if (!ofSold || !ofVoided || !ofReissued || !ofOther) throw new Error('a code is missing');
  const changed = ofSold.text.startsWith('x') ? 'y' : 'x';
  const common = { session_id: session, keys };
  bundle = {
    ...common,
    version: 'v1',
    is_complete: true,
    tickets: [
      [good, 'A1', 'VIP', 'valid'],
      [printedBefore, 'A2', 'VIP', 'left'],
      [used, 'A3', 'VIP', 'inside'],
      [cancelled, 'A4', 'VIP', 'valid'],
      [soldEarlier, 'A6', 'VIP', 'valid', ofSold.hash],
      [voidedEarlier, 'A7', 'VIP', 'valid', ofVoided.hash],
      [reissued, 'A8', 'VIP', 'valid', ofReissued.hash],
    ],
  };
  changes = {
    ...common,
    version: 'v2',
    is_complete: false,
    tickets: [
      [cancelled, 'A4', 'VIP', 'void'],
      [sold, 'A5', 'Floor', 'valid'],
      [voidedEarlier, 'A7', 'VIP', 'void', ofVoided.hash],
      [reissued, 'A8', 'VIP', 'valid'],
    ],
  };
  const elsewhere = await sealer.seal({ ticketId: good, sessionId: as<SessionId>(randomUUID()) });
  texts = [
    ['a forged one with a stolen bundle', await forgedWithBundle(good), 'forged'],
    ['of a withdrawn key', await seal(good, withdrawn), 'forged'],
    ['of another session', elsewhere, 'wrong_session'],
    ['a good one', await seal(good), 'A1 VIP'],
    ['the same again', await seal(good), 'already_checked_in'],
    ['printed before the keys were changed', await seal(printedBefore, old), 'A2 VIP'],
    ['used', await seal(used), 'already_checked_in'],
    ['cancelled since', await seal(cancelled), 'cancelled'],
    ['sold since', await seal(sold), 'A5 Floor'],
    ['not listed', await seal(unlisted), 'not_listed'],
    ['of the earlier service, with line ends and without padding', ` ${ofSold.text.replace(/=+$/, '')}\r\n`, 'A6 VIP'],
    ['the same again', ofSold.text, 'already_checked_in'],
    ['ours of the same ticket', await seal(soldEarlier), 'already_checked_in'],
    ['of the earlier service, a character changed', `${changed}${ofSold.text.slice(1)}`, 'forged'],
    ['of the earlier service, voided since', ofVoided.text, 'cancelled'],
    ['of the earlier service, reissued since', ofReissued.text, 'forged'],
    ['ours of the reissued ticket, with line ends', `\r\n${await seal(reissued)}\r\n`, 'A8 VIP'],
    ['of the earlier service, not in the bundle', ofOther.text, 'forged'],
    ['empty', '', 'forged'],
    ['no text', null, 'forged'],
    ['huge', 'A'.repeat(1_000_000), 'forged'],
    ...flipped(await seal(good)).map((text, at): [string, string, string] => [`flipped ${at}`, text, 'forged']),
  ];
});

test('a scanner decides without the service', async () => {
  const scanner = await createOfflineScanner(bundle);
  await scanner.update(changes);
  expect(scanner.version).toBe('v2');
  for (const [name, text, said] of texts) {
    const verdict = await scanner.scan(text);
    const words = verdict.outcome === 'refused' ? verdict.refusal : `${verdict.seat} ${verdict.tier}`;
    expect(words, name).toBe(said);
  }
});

test('a scanner does not admit a ticket twice after a newer bundle that does not have its scan yet', async () => {
  const scanner = await createOfflineScanner(bundle);
  const text = await sealer.seal({ ticketId: good, sessionId: session });
  const outcome = async () => {
    const verdict = await scanner.scan(text);
    return verdict.outcome === 'refused' ? verdict.refusal : verdict.outcome;
  };
  const listed = (state: string, is_complete: boolean) =>
    scanner.update({ ...bundle, is_complete, tickets: [[good, 'A1', 'VIP', state]] });
  expect(await outcome()).toBe('admitted');
  for (const isComplete of [true, false]) {
    await listed('valid', isComplete);
    expect(await outcome()).toBe('already_checked_in');
  }
  // The service has received the scan, and its organiser undid it.
  await listed('inside', false);
  await listed('valid', false);
  expect(await outcome()).toBe('admitted');
  await listed('void', false);
  expect(await outcome()).toBe('cancelled');
});

test('a scanner admits one of two scans of the same code in the same instant', async () => {
  const scanner = await createOfflineScanner(bundle);
  const text = await sealer.seal({ ticketId: good, sessionId: session });
  const verdicts = await Promise.all(Array.from({ length: 10 }, () => scanner.scan(text)));
  expect(verdicts.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(1);
});

test('a scanner refuses a bundle of another session', async () => {
  const scanner = await createOfflineScanner(bundle);
  await expect(scanner.update({ ...changes, session_id: randomUUID() })).rejects.toThrow('another session');
  expect(scanner.version).toBe('v1');
});

test('the service does not open a code that was forged with a stolen bundle', async () => {
  expect(await sealer.open(await forgedWithBundle(good))).toEqual({ outcome: 'refused', reason: 'forged' });
});

describe.runIf(HAS_BROWSER)('in a browser', () => {
  test('the scanner decides the same', async () => {
    const code = `
      const { createOfflineScanner } = await import('/src/features/tickets/qr/scanner.ts');
      const scanner = await createOfflineScanner(given.bundle);
      await scanner.update(given.changes);
      const said = [];
      for (const text of given.texts) said.push(await scanner.scan(text));
      return { said, version: scanner.version, node: typeof process, browser: navigator.userAgent };`;
    const given = { bundle, changes, texts: texts.map(([, text]) => text) };
    const { said, ...rest } = (await runInBrowser(code, given)) as {
      said: { outcome: string; refusal: string; seat: string; tier: string }[];
    };
    expect(rest).toMatchObject({
      version: 'v2',
      node: 'undefined',
      browser: expect.stringContaining('HeadlessChrome'),
    });
    const words = said.map(({ outcome, refusal, seat, tier }) => (outcome === 'refused' ? refusal : `${seat} ${tier}`));
    expect(words).toEqual(texts.map(([, , expected]) => expected));
  });
});
