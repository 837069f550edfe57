import type { ServerResponse } from 'node:http';
import { OK } from '../../kernel/http-status.ts';
import type { SeatState } from './seat-states.ts';

const MAX_STREAMS = 2_000;
/** A client that is this far behind is disconnected; it reads the seat map again when it reconnects. */
const MAX_BUFFERED_BYTES = 262_144;
const HEARTBEAT_MS = 15_000;

/** Open event streams of seat states: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export class SeatStreams {
  readonly #bySession = new Map<string, Set<ServerResponse>>();
  readonly #heartbeat: NodeJS.Timeout;
  #count = 0;

  constructor() {
    this.#heartbeat = setInterval(() => {
      for (const response of this.#all()) response.write(': still here\n\n');
    }, HEARTBEAT_MS).unref();
  }

  /** Turns the response into a stream; false when there are too many streams. */
  open(sessionId: string, response: ServerResponse): boolean {
    if (this.#count >= MAX_STREAMS) return false;
    const responses = this.#bySession.get(sessionId) ?? new Set();
    this.#bySession.set(sessionId, responses.add(response));
    this.#count += 1;
    response.writeHead(OK, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
    response.write(': open\n\n');
    response.once('close', () => {
      responses.delete(response);
      this.#count -= 1;
      if (responses.size === 0) this.#bySession.delete(sessionId);
    });
    return true;
  }

  /** Sends an event with the status as its name, because pages listen by name. */
  send(sessionId: string, message: { readonly seatIds: readonly string[]; readonly status: SeatState }): void {
    const frame = `event: ${message.status}\ndata: ${JSON.stringify(message)}\n\n`;
    for (const response of this.#bySession.get(sessionId) ?? []) {
      if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
      else response.write(frame);
    }
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const response of this.#all()) response.end();
  }

  #all(): ServerResponse[] {
    return [...this.#bySession.values()].flatMap((responses) => [...responses]);
  }
}
