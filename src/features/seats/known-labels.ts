import type { SeatId, SessionId } from '../../kernel/ids.ts';
import type { NamedSeat } from './seat-refusal.ts';

/** About 10 MB of labels. */
export const MAX_SEATS = 50_000;
/** How long a label is remembered. Seats are rarely renamed; the old label is shown for at most this long. */
const KNOWN_FOR_MS = 600_000;

/** Labels that are dropped together. */
class Generation {
  readonly bySession = new Map<SessionId, Map<SeatId, string>>();
  readonly #bornMs = performance.now();
  size = 0;

  ageMs(): number {
    return performance.now() - this.#bornMs;
  }
}

/**
 * A cache of labels in two generations. Each order adds labels and few are ever read, so adding must be cheap. When the
 * young generation is full or half as old as labels may be, it becomes the old one, and the former old one is dropped.
 */
export class KnownLabels {
  #young = new Generation();
  #old = new Generation();

  learn(sessionId: SessionId, seats: readonly NamedSeat[]): void {
    const labels = this.#labelsOf(sessionId);
    for (const { seatId, label } of seats) labels.set(seatId, label);
    this.#young.size += seats.length;
  }

  labelOf(sessionId: SessionId, seatId: SeatId): string | undefined {
    for (const generation of [this.#young, this.#old]) {
      const label = generation.ageMs() < KNOWN_FOR_MS ? generation.bySession.get(sessionId)?.get(seatId) : undefined;
      if (label !== undefined) return label;
    }
    return undefined;
  }

  #labelsOf(sessionId: SessionId): Map<SeatId, string> {
    if (this.#young.size >= MAX_SEATS / 2 || this.#young.ageMs() >= KNOWN_FOR_MS / 2) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    const known = this.#young.bySession.get(sessionId) ?? new Map<SeatId, string>();
    if (known.size === 0) this.#young.bySession.set(sessionId, known);
    return known;
  }
}
