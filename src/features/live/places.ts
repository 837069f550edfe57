import { AppError } from '../../kernel/errors.ts';
import type { UserId } from '../../kernel/ids.ts';
import type { SeatingServices } from '../seats/index.ts';
import { keyOf, type SalesScope } from './scope.ts';

/** Who may watch what, and how many may at a time. */
export interface Admission {
  /**
   * Takes a place for a stream and gives what lets it go again, once. Throws `too_many_streams` and `streams_full`.
   */
  takePlace(userId: UserId): () => void;
  /** Whether the user owns the scope, asked once for all that want to know at the moment. Throws `seating_unavailable`. */
  owns(scope: SalesScope, userId: UserId): Promise<boolean>;
}

export interface AdmissionOptions {
  readonly seating: Pick<SeatingServices, 'ownsEvent' | 'ownsOrganization'>;
  readonly maxStreams: number;
  readonly maxStreamsPerUser: number;
}

export function createAdmission({ seating, maxStreams, maxStreamsPerUser }: AdmissionOptions): Admission {
  const placesOf = new Map<UserId, number>();
  const asking = new Map<string, Promise<boolean>>();
  let taken = 0;

  function change(userId: UserId, by: 1 | -1): void {
    const places = (placesOf.get(userId) ?? 0) + by;
    if (places === 0) placesOf.delete(userId);
    else placesOf.set(userId, places);
    taken += by;
  }

  return {
    takePlace(userId) {
      if ((placesOf.get(userId) ?? 0) >= maxStreamsPerUser) {
        const detail = `You have ${maxStreamsPerUser} event streams open, the most there may be. Close one first.`;
        throw new AppError('too_many_streams', detail);
      }
      if (taken >= maxStreams)
        throw new AppError('streams_full', 'There is no room for another event stream. Try again shortly.');
      change(userId, 1);
      let isTaken = true;
      return () => {
        if (isTaken) change(userId, -1);
        isTaken = false;
      };
    },
    owns(scope, userId) {
      const key = `${keyOf(scope)} ${userId}`;
      const known = asking.get(key);
      if (known) return known;
      const asked = (
        scope.kind === 'event'
          ? seating.ownsEvent(scope.id, userId)
          : seating.ownsOrganization(scope.id, userId)
      ).finally(() => asking.delete(key));
      asking.set(key, asked);
      return asked;
    },
  };
}
