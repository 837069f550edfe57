import type { Dispatcher } from 'undici';

/** Tells whether an HTTP server is there: it answers anything but that it is broken. */
export type Reachability = (timeoutMs: number) => Promise<void>;

/** Health is public: however often it is asked, the other servers are asked this often. */
const KEPT_MS = 500;
const SERVER_FAULT = 500;

/** Asks all of these addresses, side by side; rejects when one is not there in time. What was found is kept for half a second. */
export function createReachability(http: Dispatcher, urls: readonly string[]): Reachability {
  let last: { readonly at: number; readonly outcome: Promise<void> } | undefined;
  return (timeoutMs) => {
    const now = performance.now();
    if (last && now - last.at < KEPT_MS) return last.outcome;
    const outcome = Promise.all(urls.map((url) => reach(http, url, timeoutMs))).then(() => undefined);
    last = { at: now, outcome };
    return outcome;
  };
}

async function reach(http: Dispatcher, url: string, timeoutMs: number): Promise<void> {
  const { origin, pathname } = new URL(url);
  const signal = AbortSignal.timeout(timeoutMs);
  const { statusCode, body } = await http.request({ origin, path: pathname, method: 'GET', signal });
  await body.dump();
  if (statusCode >= SERVER_FAULT) throw new Error(`${origin} answers with ${statusCode}`);
}
