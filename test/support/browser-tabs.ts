import { createInterface } from 'node:readline';
import { startChromium } from './browser.ts';
import { patience } from './patience.ts';
import { until } from './servers.ts';

export type TabbedBrowser = Awaited<ReturnType<typeof startTabbedBrowser>>;

/** A page of a running browser, driven from the test; its requests and answers are not touched. */
export type Tab = Awaited<ReturnType<typeof openTab>>;

const START_MS = 30_000;
const WAIT_MS = 25_000;

interface Reply {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/**
 * Starts Chromium and uses its DevTools protocol. `hosts` maps names with a port, such as `localhost:8090`, to the
 * addresses that they have in this browser: a test gets its real origin without a fixed port.
 */
export async function startTabbedBrowser(hosts: Readonly<Record<string, string>>) {
  const rules = Object.entries(hosts).map(([name, address]) => `MAP ${name} ${address}`);
  const flags = ['--remote-debugging-port=0', `--host-resolver-rules=${rules.join(',')}`];
  const { child, stop } = await startChromium([...flags, 'about:blank'], ['ignore', 'ignore', 'pipe']);
  try {
    const link = await connect(await debuggerUrl(child.stderr));
    return {
      /** A person who has visited nothing yet: their tabs share cookies and storage, which other people's tabs do not see. */
      async newPerson() {
        const { browserContextId } = await link('Target.createBrowserContext', {});
        return { openTab: (url: string) => openTab(link, browserContextId, url) };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Link = (
  method: string,
  params: Readonly<Record<string, unknown>>,
  sessionId?: unknown,
) => Promise<Record<string, unknown>>;

async function debuggerUrl(output: NodeJS.ReadableStream | null): Promise<string> {
  if (!output) throw new Error('the browser has no output');
  const found = Promise.withResolvers<string>();
  const timer = setTimeout(found.reject, patience(START_MS), new Error('the browser has not started'));
  createInterface({ input: output })
    .on('line', (line) => {
      const [, url] = /^DevTools listening on (ws:\S+)/.exec(line) ?? [];
      if (url !== undefined) found.resolve(url);
    })
    .on('close', () => found.reject(new Error('the browser ended')));
  return found.promise.finally(() => clearTimeout(timer));
}

/** https://chromedevtools.github.io/devtools-protocol/ */
async function connect(url: string): Promise<Link> {
  const socket = new WebSocket(url);
  await new Promise<void>((done, fail) => {
    socket.addEventListener('open', () => done());
    socket.addEventListener('error', () => fail(new Error(`no connection to ${url}`)));
  });
  let isOver = false;
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as Reply;
    if (id === undefined) return;
    const call = waiting.get(id);
    waiting.delete(id);
    if (error) call?.reject(new Error(error.message));
    else call?.resolve(result ?? {});
  });
  socket.addEventListener('close', () => {
    isOver = true;
    for (const call of waiting.values()) call.reject(new Error('the browser ended'));
  });
  let last = 0;
  return async (method, params, sessionId) => {
    if (isOver) throw new Error('the browser ended');
    last += 1;
    const call = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(last, call);
    socket.send(JSON.stringify({ id: last, method, params, ...(sessionId ? { sessionId } : {}) }));
    return call.promise;
  };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: {
    readonly text: string;
    readonly exception?: { readonly description?: string };
  };
}

async function openTab(link: Link, browserContextId: unknown, url: string) {
  const { targetId } = await link('Target.createTarget', { url: 'about:blank', browserContextId });
  const { sessionId } = await link('Target.attachToTarget', { targetId, flatten: true });

  /** The value of JavaScript evaluated in the page; a promise is awaited. Rejects while the page navigates. */
  async function evaluate<Value>(expression: string): Promise<Value> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const answer = (await link('Runtime.evaluate', options, sessionId)) as unknown as Evaluated;
    const { result, exceptionDetails } = answer;
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value as Value;
  }

  async function open(address: string): Promise<void> {
    const { errorText } = await link('Page.navigate', { url: address }, sessionId);
    if (errorText) throw new Error(`${address}: ${errorText}`);
  }

  await open(url);
  return {
    open,
    evaluate,
    /** Waits, also across navigations, until the expression is truthy. */
    until: <Value = true>(what: string, expression: string) =>
      until(
        what,
        async () => {
          const value = await evaluate<Value | undefined>(expression).catch(() => undefined);
          return value ? value : undefined;
        },
        WAIT_MS,
      ).catch(async (cause) => {
        const seen = await evaluate<string>('location.href + "\\n" + document.body.innerText').catch(String);
        throw new Error(`${cause.message}; the page is ${seen.slice(0, 1_000)}`);
      }),
    /** Fills the first form of the page by the ids of its fields, and submits it. */
    async submit(fields: Readonly<Record<string, string>>) {
      await evaluate(`(() => {
        for (const [id, value] of Object.entries(${JSON.stringify(fields)})) document.getElementById(id).value = value;
        setTimeout(() => document.querySelector('form').requestSubmit());
      })()`);
    },
  };
}
