import { type StdioOptions, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { atEnd } from './at-end.ts';
import { patience } from './patience.ts';
import { close, listen } from './servers.ts';

/** The browser comes as a package for this kind of machine; elsewhere a program of the same kind can be named. */
const OTHER_BROWSER = process.env.CHROMIUM_PATH;
export const HAS_BROWSER = OTHER_BROWSER !== undefined || (process.platform === 'linux' && process.arch === 'x64');

const MAX_RUN_MS = 60_000;

/** Pages of one origin, opened in Chromium; nothing stands between them and the servers that they call. */
export interface Pages {
  readonly origin: string;
  /**
   * Runs a module in a page: `code` is JavaScript that may import sources of this project by their path, reads `given` and
   * ends with `return`. Rejects with the error that it threw.
   */
  run(code: string, given: unknown): Promise<unknown>;
}

/** Runs it in a page of an origin that is not listed. */
export async function runInBrowser(code: string, given: unknown): Promise<unknown> {
  return (await servePages()).run(code, given);
}

/** Serves pages on `http://localhost` and a port of their own until the end of the test. */
export async function servePages(): Promise<Pages> {
  let page = { code: '', given: undefined as unknown };
  let result = Promise.withResolvers<{ value?: unknown; error?: string }>();
  const server = createServer(async (request, response) => {
    const { url = '/' } = request;
    if (request.method === 'POST') {
      result.resolve(JSON.parse(await text(request)));
      return void response.end();
    }
    if (url.startsWith('/src/') && /^[\w./-]+\.ts$/.test(url) && !url.includes('..')) {
      response.setHeader('content-type', 'text/javascript');
      return void response.end(stripTypeScriptTypes(await readFile(`.${url}`, 'utf8')));
    }
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return void response.end(url === '/' ? pageOf(page.code, page.given) : '');
  });
  const origin = (await listen(server)).replace('127.0.0.1', 'localhost');
  atEnd(() => close(server));
  return {
    origin,
    async run(code, given) {
      page = { code, given };
      result = Promise.withResolvers();
      const { stop } = await startChromium(['--single-process', origin], 'ignore');
      const timer = setTimeout(result.reject, patience(MAX_RUN_MS), new Error('the browser has not answered'));
      try {
        const { value, error } = await result.promise;
        if (error !== undefined) throw new Error(error);
        return value;
      } finally {
        clearTimeout(timer);
        await stop();
      }
    },
  };
}

function pageOf(code: string, given: unknown): string {
  const json = JSON.stringify(given).replaceAll('<', '\\u003c');
  return `<!doctype html><script type="module">
    const given = ${json};
    const run = async () => { ${code} };
    const outcome = await run().then((value) => ({ value }), (error) => ({ error: String(error?.stack ?? error) }));
    await fetch('/outcome', { method: 'POST', body: JSON.stringify(outcome) });
  </script>`;
}

/** Starts a Chromium with a profile of its own; `args` are its command line flags and the page that it opens. */
export async function startChromium(args: readonly string[], stdio: StdioOptions) {
  const profile = await mkdtemp(join(tmpdir(), 'ticketing-browser-'));
  const flags = ['--headless', '--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage'];
  const { program, env } = await browser();
  const child = spawn(program, [...flags, `--user-data-dir=${profile}`, ...args], { env, stdio });
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', () => done());
  });
  return {
    child,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** The program and its environment: the package unpacks the few libraries that a bare system lacks if it is asked to. */
export async function browser(): Promise<{ program: string; env: NodeJS.ProcessEnv }> {
  if (OTHER_BROWSER !== undefined) return { program: OTHER_BROWSER, env: process.env };
  process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs22.x';
  const { default: chromium } = await import('@sparticuz/chromium');
  const program = await chromium.executablePath();
  const libraries = join(tmpdir(), 'al2023', 'lib');
  return { program, env: { ...process.env, LD_LIBRARY_PATH: libraries } };
}
