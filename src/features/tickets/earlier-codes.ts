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

/** Codes that the earlier service sold: reads its pictures, once, and knows their texts again. */
export interface EarlierCodes {
  /** The ticket whose code a text is. */
  find(text: string): Promise<EarlierScan>;
  /** Reads some of the pictures that wait; true when there may be more. */
  readDue(): Promise<boolean>;
  /** What became of all pictures, once this process has read some of them and none is left. */
  finished(): Promise<EarlierCodeCounts | undefined>;
  /** Marks the counts as logged, so that `finished` does not return them again. */
  told(): void;
}

export interface EarlierCodesOptions {
  readonly database: Executor;
  readonly reader: PictureReader;
  readonly clock: Clock;
}

/** So many pictures a turn, about 0.2 s of the thread that reads them. */
const PICTURES_A_TURN = 50;
/** A picture over which processes or threads died this often is unreadable. */
const MAX_ATTEMPTS = 3;

export function createEarlierCodes({ database, reader, clock }: EarlierCodesOptions): EarlierCodes {
  let hasRead = false;

  /** One that failed before is claimed alone, so that it takes no other picture with it. */
  async function claim(): Promise<ClaimedPicture[]> {
    const untried = await claimPictures(database, 'untried', clock.now(), PICTURES_A_TURN);
    return untried.length > 0 ? untried : claimPictures(database, 'tried', clock.now(), 1);
  }

  async function readAll(claimed: readonly ClaimedPicture[], into: ReadCode[]): Promise<void> {
    const seen = new Set<string>();
    for (const { ticket_id: ticketId, attempts, picture } of claimed) {
      const isHopeless = picture === null || attempts > MAX_ATTEMPTS;
      const hash = isHopeless ? undefined : await hashEarlierText(await reader.read(picture));
      const name = hash?.toHex() ?? '';
      into.push({ ticketId, hash: seen.has(name) ? undefined : hash });
      seen.add(name);
    }
  }

  return {
    async find(text) {
      const hash = await hashEarlierText(text);
      if (!hash) return { outcome: 'unknown' };
      const found = await findByHash(database, hash);
      if (found) return { outcome: 'known', ...found };
      return { outcome: (await hasWaiting(database)) ? 'unread' : 'unknown' };
    },
    async readDue() {
      if (!(await hasDue(database, clock.now()))) {
        await reader.rest();
        return false;
      }
      // Before anything is claimed: a reader that cannot start is no picture's fault.
      await reader.start();
      const claimed = await claim();
      const read: ReadCode[] = [];
      try {
        await readAll(claimed, read);
      } finally {
        if (read.length > 0) await saveRead(database, read);
        hasRead ||= read.length > 0;
      }
      return claimed.length > 0;
    },
    async finished() {
      if (!hasRead || (await hasWaiting(database))) return undefined;
      return countByState(database);
    },
    told() {
      hasRead = false;
    },
  };
}
