import type { ServerResponse } from 'node:http';
import type { SeatState } from './seat-states.ts';

/** Open event streams of seat states, by session. */
export interface SeatStreams {
  /** Takes the response over; false when there are too many already. */
  open(sessionId: string, response: ServerResponse): boolean;
  /** Sends an event that is named by the status: pages listen by name. */
  send(sessionId: string, message: { readonly seatIds: readonly string[]; readonly status: SeatState }): void;
  close(): void;
}

const MAX_STREAMS = 2_000;
/** A reader this far behind is dropped; it reads the map again when it comes back. */
const MAX_BUFFERED_BYTES = 262_144;
const HEARTBEAT_MS = 15_000;

/** Streams as https://html.spec.whatwg.org/multipage/server-sent-events.html describes them. */
export function createSeatStreams(): SeatStreams {
  const bySession = new Map<string, Set<ServerResponse>>();
  let count = 0;

  const all = () => [...bySession.values()].flatMap((responses) => [...responses]);
  const heartbeat = setInterval(() => {
    for (const response of all()) response.write(': still here\n\n');
  }, HEARTBEAT_MS).unref();

  return {
    open(sessionId, response) {
      if (count >= MAX_STREAMS) return false;
      const responses = bySession.get(sessionId) ?? new Set();
      bySession.set(sessionId, responses.add(response));
      count += 1;
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
      });
      response.write(': open\n\n');
      response.once('close', () => {
        responses.delete(response);
        count -= 1;
        if (responses.size === 0) bySession.delete(sessionId);
      });
      return true;
    },
    send(sessionId, message) {
      const frame = `event: ${message.status}\ndata: ${JSON.stringify(message)}\n\n`;
      for (const response of bySession.get(sessionId) ?? []) {
        if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
        else response.write(frame);
      }
    },
    close() {
      clearInterval(heartbeat);
      for (const response of all()) response.end();
    },
  };
}
