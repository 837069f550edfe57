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

/** The ticket of a scanned text that this service did not make, or why there is none. */
export type EarlierScan =
  | ({ readonly outcome: 'known' } & EarlierCode)
  /** `unread`: it has the form of the earlier service's texts, and not all of its pictures were read yet. */
  | { readonly outcome: 'unknown' | 'unread' };

/** Pictures of a turn, about 0.2 s of the thread that reads them. */
const PICTURES_A_TURN = 50;
/** A picture over which processes or threads died this often is unreadable. */
const MAX_ATTEMPTS = 3;

/** Codes that the earlier service sold: reads its pictures, once, and finds the tickets of their texts. */
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

  /** The ticket whose code a text is. */
  async find(text: string): Promise<EarlierScan> {
    const hash = await hashEarlierText(text);
    if (!hash) return { outcome: 'unknown' };
    const found = await findByHash(this.#database, hash);
    if (found) return { outcome: 'known', ...found };
    return { outcome: (await hasWaiting(this.#database)) ? 'unread' : 'unknown' };
  }

  /** Reads some of the pictures that wait; true when there may be more. */
  async readDue(): Promise<boolean> {
    if (!(await hasDue(this.#database, this.#clock.now()))) {
      await this.#reader.rest();
      return false;
    }
    // Before anything is claimed: a reader that cannot start is no picture's fault.
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

  /** The counts of all pictures, once this process has read some of them and none is left. */
  async finished(): Promise<EarlierCodeCounts | undefined> {
    if (!this.#hasRead || (await hasWaiting(this.#database))) return undefined;
    return countByState(this.#database);
  }

  /** Marks the counts as logged, so that `finished` does not return them again. */
  markLogged(): void {
    this.#hasRead = false;
  }

  /** A picture that failed before is claimed alone, so that it takes no other picture with it. */
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
