import { AppError } from '../../kernel/errors.ts';
import type { UserId } from '../../kernel/ids.ts';

/** Limits the open streams of this process and of each user. */
export class StreamPlaces {
  readonly #max: number;
  readonly #maxPerUser: number;
  readonly #placesOf = new Map<UserId, number>();
  #taken = 0;

  constructor(max: number, maxPerUser: number) {
    this.#max = max;
    this.#maxPerUser = maxPerUser;
  }

  /** Takes a place and returns the function that frees it. Throws `too_many_streams`, `streams_full`. */
  take(userId: UserId): () => void {
    if ((this.#placesOf.get(userId) ?? 0) >= this.#maxPerUser) {
      const detail = `You have ${this.#maxPerUser} event streams open, which is the limit. Close one first.`;
      throw new AppError('too_many_streams', detail);
    }
    if (this.#taken >= this.#max)
      throw new AppError('streams_full', 'There is no room for another event stream. Try again shortly.');
    this.#change(userId, 1);
    let isTaken = true;
    return () => {
      if (isTaken) this.#change(userId, -1);
      isTaken = false;
    };
  }

  #change(userId: UserId, by: 1 | -1): void {
    const places = (this.#placesOf.get(userId) ?? 0) + by;
    if (places === 0) this.#placesOf.delete(userId);
    else this.#placesOf.set(userId, places);
    this.#taken += by;
  }
}
