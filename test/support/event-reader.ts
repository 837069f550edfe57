import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { until } from './servers.ts';

/** An event as a browser's EventSource delivers it. */
interface SentEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any;
  readonly id: string;
}

/** One open event stream, read as the HTML standard specifies. */
export type EventReader = Awaited<ReturnType<typeof openStream>>;

export interface ReaderOptions {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

/** Opens a stream and resolves when its headers have arrived; it is closed at the end of the test. */
export async function openStream(
  url: string,
  path: string,
  { token, headers = {}, method = 'GET' }: ReaderOptions = {},
) {
  const state = { text: '', lastEventId: '', isOver: false };
  const events: SentEvent[] = [];
  const comments: string[] = [];
  const sent = request(url + path, {
    method,
    agent: false,
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
  });
  const answered = new Promise<import('node:http').IncomingMessage>((done, fail) => {
    sent.once('response', done).once('error', fail);
  });
  sent.end();
  const response = await answered;
  const isStream = response.statusCode === 200;
  let rest = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    if (!isStream) state.text += chunk;
    else rest = takeBlocks(rest + chunk, events, comments, state);
  });
  response.on('close', () => {
    state.isOver = true;
  });
  response.on('error', () => undefined);
  sent.on('error', () => undefined);
  onTestFinished(() => void sent.destroy());
  /** The data of the events of a name so far. */
  const dataOf = (event: string) => events.filter((each) => each.event === event).map(({ data }) => data);
  const untilOver = () => until('the stream is over', () => state.isOver);
  if (!isStream) await untilOver();
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    /** Comment lines, without the colon. */
    comments,
    /** The body of an answer that is not a stream, such as a refusal. */
    get text() {
      return state.text;
    },
    /** The id that a browser would reconnect with. */
    get lastEventId() {
      return state.lastEventId;
    },
    /** Whether the server has ended or cut the stream. */
    get isOver() {
      return state.isOver;
    },
    dataOf,
    /** Waits until there are so many events of a name. */
    untilThereAre: (count: number, event: string) =>
      until(`there are ${count} of ${event}, of ${JSON.stringify(events.map((each) => each.event))}`, () => {
        const found = dataOf(event);
        return found.length >= count && found;
      }),
    untilOver,
    /** Stops reading from the connection. */
    stall: () => void response.pause(),
    /** Reads again. */
    resume: () => void response.resume(),
    close: () => void sent.destroy(),
  };
}

/** Parses whole blocks of the text and returns the rest. */
function takeBlocks(text: string, events: SentEvent[], comments: string[], state: { lastEventId: string }): string {
  const blocks = text.split('\n\n');
  const rest = blocks.pop() ?? '';
  for (const block of blocks) {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (name === '') comments.push(value);
      else fields.set(name, value);
    }
    state.lastEventId = fields.get('id') ?? state.lastEventId;
    const data = fields.get('data');
    if (data !== undefined)
      events.push({ event: fields.get('event') ?? 'message', data: JSON.parse(data), id: state.lastEventId });
  }
  return rest;
}
