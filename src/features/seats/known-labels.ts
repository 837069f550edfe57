import type { SeatId, SessionId } from '../../kernel/ids.ts';
import type { NamedSeat } from './seat-refusal.ts';

/** Some 10 MB. */
export const MAX_SEATS = 50_000;
/** A catalogue renames a seat rarely; then the old label is shown for so long at most. */
const KNOWN_FOR_MS = 600_000;

/** Labels that were learnt one after the other, and are forgotten together. */
class Generation {
  readonly bySession = new Map<SessionId, Map<SeatId, string>>();
  readonly #bornMs = performance.now();
  size = 0;

  ageMs(): number {
    return performance.now() - this.#bornMs;
  }
}

/**
 * A cache of labels in two generations: each order teaches some and few are ever asked for, so learning has to cost
 * next to nothing. When the young generation is full or has half of its life behind it, the old one is dropped whole.
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
      const label =
        generation.ageMs() < KNOWN_FOR_MS ? generation.bySession.get(sessionId)?.get(seatId) : undefined;
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
