import type { Dispatcher } from 'undici';

const SERVER_FAULT = 500;

/** A check of HTTP servers: it requests all addresses at the same time, and rejects if one fails or answers with 5xx. */
export function createReachability(http: Dispatcher, urls: readonly string[]): (timeoutMs: number) => Promise<void> {
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
