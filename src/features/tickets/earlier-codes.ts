import type { Clock } from '../../kernel/clock.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import {
  type ClaimedPicture,
  claimPictures,
  countByState,
  type EarlierCode,
  type EarlierCodeCounts,
  findByHash,
  hasDue,
  hasWaiting,
  type ReadCode,
  saveRead,
} from './earlier-codes.store.ts';
import type { PictureReader } from './picture-reader.ts';
import { hashEarlierText } from './qr/earlier-text.ts';

/** The ticket of a scanned text that this service did not write, or why none was found. */
export type EarlierScan =
  | ({ readonly outcome: 'known' } & EarlierCode)
  /** `unread`: the text looks like one of the earlier service's, and some of its pictures are not read yet. */
  | { readonly outcome: 'unknown' | 'unread' };

/** Pictures read in one turn, which take the reading thread about 0.2 s. */
const PICTURES_A_TURN = 50;
/** A picture is unreadable after this many failed attempts. */
const MAX_ATTEMPTS = 3;

/** QR codes that the earlier service sold: reads each stored picture once and finds tickets by the texts in them. */
export class EarlierCodes {
  readonly #database: Executor;
  readonly #reader: PictureReader;
  readonly #clock: Clock;
  #hasRead = false;

  constructor(database: Executor, reader: PictureReader, clock: Clock) {
    this.#database = database;
    this.#reader = reader;
    this.#clock = clock;
  }

  /** Finds the ticket that a text was sold for. */
  async find(text: string): Promise<EarlierScan> {
    const hash = await hashEarlierText(text);
    if (!hash) return { outcome: 'unknown' };
    const found = await findByHash(this.#database, hash);
    if (found) return { outcome: 'known', ...found };
    return { outcome: (await hasWaiting(this.#database)) ? 'unread' : 'unknown' };
  }

  /** Reads some of the unread pictures. Returns true if there may be more. */
  async readDue(): Promise<boolean> {
    if (!(await hasDue(this.#database, this.#clock.now()))) {
      await this.#reader.rest();
      return false;
    }
    // The reader starts before pictures are claimed, so a failed start uses up no attempt.
    await this.#reader.start();
    const claimed = await this.#claim();
    const read: ReadCode[] = [];
    try {
      await this.#readAll(claimed, read);
    } finally {
      if (read.length > 0) await saveRead(this.#database, read);
      this.#hasRead ||= read.length > 0;
    }
    return claimed.length > 0;
  }

  /** The counts of all codes, if this process has read pictures and none is unread. */
  async finished(): Promise<EarlierCodeCounts | undefined> {
    if (!this.#hasRead || (await hasWaiting(this.#database))) return undefined;
    return countByState(this.#database);
  }

  /** Marks the counts as logged; `finished` then returns undefined. */
  markLogged(): void {
    this.#hasRead = false;
  }

  /** Claims a picture that failed before on its own, so that another failure affects no other picture. */
  async #claim(): Promise<ClaimedPicture[]> {
    const now = this.#clock.now();
    const untried = await claimPictures(this.#database, 'untried', now, PICTURES_A_TURN);
    return untried.length > 0 ? untried : claimPictures(this.#database, 'tried', now, 1);
  }

  async #readAll(claimed: readonly ClaimedPicture[], into: ReadCode[]): Promise<void> {
    const seen = new Set<string>();
    for (const { ticketId, attempts, picture } of claimed) {
      const isHopeless = picture === null || attempts > MAX_ATTEMPTS;
      const hash = isHopeless ? undefined : await hashEarlierText(await this.#reader.read(picture));
      const name = hash?.toHex() ?? '';
      into.push({ ticketId, hash: seen.has(name) ? undefined : hash });
      seen.add(name);
    }
  }
}
