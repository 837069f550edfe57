import { LRUCache } from 'lru-cache';
import type { SeatId, SessionId } from '../../kernel/ids.ts';
import { KnownLabels } from './known-labels.ts';
import type { NamedSeat } from './seat-refusal.ts';

/** A seat that is held but not written yet has no label in the database; it is looked up again after this long. */
const UNKNOWN_FOR_MS = 1_000;
const MAX_UNKNOWN = 10_000;
/** Most lookups at a time. Further refusals name seats by id, so that connections stay free for buyers who get seats. */
const MAX_LOOKS = 2;

/** Finds the labels of seats in the database. */
export type FindLabels = (sessionId: SessionId, seatIds: readonly SeatId[]) => Promise<readonly NamedSeat[]>;

/**
 * The labels of seats, for refusals that people read. Each process remembers the labels in answers of the seating services;
 * other labels it reads from the tickets. Each seat is looked up once, however many requests for it are refused.
 */
export class SeatLabels {
  readonly #find: FindLabels;
  readonly #known = new KnownLabels();
  readonly #unlabelled = new LRUCache<string, true>({ max: MAX_UNKNOWN, ttl: UNKNOWN_FOR_MS });
  readonly #looking = new Map<string, Promise<void>>();
  #looks = 0;

  constructor(find: FindLabels) {
    this.#find = find;
  }

  /** Remembers labels from an answer of a seating service. */
  learn(sessionId: SessionId, seats: readonly NamedSeat[]): void {
    this.#known.learn(sessionId, seats);
  }

  /** The seats whose label is known, in the same order. It never rejects. */
  async of(sessionId: SessionId, seatIds: readonly SeatId[]): Promise<readonly NamedSeat[]> {
    const unknown = seatIds.filter(
      (seatId) =>
        this.#known.labelOf(sessionId, seatId) === undefined && !this.#unlabelled.has(keyOf(sessionId, seatId)),
    );
    if (unknown.length > 0) await this.#lookUp(sessionId, unknown);
    return seatIds.flatMap((seatId) => {
      const label = this.#known.labelOf(sessionId, seatId);
      return label === undefined || label === '' ? [] : [{ seatId, label }];
    });
  }

  /** Resolves when each of the seats was looked up, by this call or by one under way. */
  async #lookUp(sessionId: SessionId, seatIds: readonly SeatId[]): Promise<void> {
    const fresh = seatIds.filter((seatId) => !this.#looking.has(keyOf(sessionId, seatId)));
    if (fresh.length > 0 && this.#looks < MAX_LOOKS) {
      const found = this.#look(sessionId, fresh);
      for (const seatId of fresh) this.#looking.set(keyOf(sessionId, seatId), found);
    }
    await Promise.all(seatIds.map((seatId) => this.#looking.get(keyOf(sessionId, seatId))));
  }

  async #look(sessionId: SessionId, seatIds: readonly SeatId[]): Promise<void> {
    this.#looks += 1;
    try {
      this.#known.learn(sessionId, await this.#find(sessionId, seatIds));
      for (const seatId of seatIds) {
        if (this.#known.labelOf(sessionId, seatId) === undefined) this.#unlabelled.set(keyOf(sessionId, seatId), true);
      }
    } catch {
      // The refusal names the seats by their ids.
    } finally {
      this.#looks -= 1;
      for (const seatId of seatIds) this.#looking.delete(keyOf(sessionId, seatId));
    }
  }
}

function keyOf(sessionId: SessionId, seatId: SeatId): string {
  return `${sessionId} ${seatId}`;
}
