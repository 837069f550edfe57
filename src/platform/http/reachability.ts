import type { Dispatcher } from 'undici';

/** Tells whether an HTTP server is there: it answers anything but that it is broken. */
export type Reachability = (timeoutMs: number) => Promise<void>;

const SERVER_FAULT = 500;

/** Asks all of these addresses, side by side; rejects when one is not there in time. */
export function createReachability(http: Dispatcher, urls: readonly string[]): Reachability {
  return async (timeoutMs) => {
    await Promise.all(urls.map((url) => reach(http, url, timeoutMs)));
  };
}

async function reach(http: Dispatcher, url: string, timeoutMs: number): Promise<void> {
  const { origin, pathname } = new URL(url);
  const signal = AbortSignal.timeout(timeoutMs);
  const { statusCode, body } = await http.request({ origin, path: pathname, method: 'GET', signal });
  await body.dump();
  if (statusCode >= SERVER_FAULT) throw new Error(`${origin} answers with ${statusCode}`);
}
