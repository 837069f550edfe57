import type { Catalogue, SeatStatus } from '../catalogue/catalogue.ts';
import { type Room, roomOf } from './room.ts';

const STATUSES: readonly SeatStatus[] = ['AVAILABLE', 'RESERVED', 'BOOKED', 'LOCKED'];
/** A browser gives up on a stream whose server is away; after this the page opens a new one. */
const REOPEN_MS = 3_000;
/** The map is read without waiting longer for the stream. */
const FIRST_OPEN_MS = 1_000;

export interface LiveSeats {
  /** The whole map: at first, and again after the stream was away, because changes were missed. */
  room(room: Room): void;
  change(seatIds: readonly string[], status: SeatStatus): void;
  /** Whether what is shown may be out of date. */
  stale(isStale: boolean): void;
  /** The map cannot be read. */
  failed(error: unknown): void;
}

/**
 * Follows the seats of a session until the returned function is called. The map is read once the stream is open, so that no
 * change between the two is missed.
 */
export function followSeats(catalogue: Catalogue, sessionId: string, live: LiveSeats): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isEnded = false;
  let reads = 0;

  const read = async () => {
    const mine = ++reads;
    try {
      const map = await catalogue.seatingMap(sessionId);
      if (isEnded || mine !== reads) return;
      live.room(roomOf(map));
      live.stale(source?.readyState !== EventSource.OPEN);
    } catch (error) {
      if (!isEnded && mine === reads) live.failed(error);
    }
  };
  const open = () => {
    source = new EventSource(catalogue.seatStream(sessionId));
    for (const status of STATUSES) {
      source.addEventListener(status, ({ data }: MessageEvent<string>) => {
        const seatIds = seatIdsOf(data);
        if (seatIds.length > 0) live.change(seatIds, status);
      });
    }
    source.addEventListener('open', () => {
      clearTimeout(firstRead);
      void read();
    });
    source.addEventListener('error', () => {
      live.stale(true);
      if (source?.readyState === EventSource.CLOSED && !isEnded) timer = setTimeout(open, REOPEN_MS);
    });
  };
  const firstRead = setTimeout(read, FIRST_OPEN_MS);
  open();
  return () => {
    isEnded = true;
    clearTimeout(firstRead);
    clearTimeout(timer);
    source?.close();
  };
}

/** The seats of an event; a message of another shape changes nothing. */
function seatIdsOf(data: string): string[] {
  try {
    const { seatIds } = JSON.parse(data);
    return Array.isArray(seatIds) ? seatIds.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}
