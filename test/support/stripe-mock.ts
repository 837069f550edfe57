import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { end, endingOf, freePorts } from './child-server.ts';
import { kept } from './kept.ts';
import { patience } from './patience.ts';
import { until } from './servers.ts';
import { startRead } from './service-process.ts';

/** Stripe's own description of its API as a server: it answers valid requests, and refuses any other. */
export interface StripeMock {
  readonly url: string;
  /** The requests so far, as `METHOD /path`. */
  requests(): string[];
  stop(): Promise<void>;
}

export const STRIPE_MOCK_VERSION = 'v0.203.0';
const MODULE = 'github.com/stripe/stripe-mock';
/** The digest of the module, as Go writes it into `go.sum`; the module's own file pins its dependencies. */
const DIGEST = 'h1:EzW7nb/fphqcAkgVRHAaC88OaAZo6SBWSl54cflDTio=';
const INSTALL_TIMEOUT_MS = 400_000;
const run = promisify(execFile);

/** Starts one, built with Go the first time. */
export async function startStripeMock(): Promise<StripeMock> {
  const program = await programFile();
  const [port = 0] = await freePorts(1);
  // HTTPS starts with HTTP, and on one fixed port by default: the second of two at once would fail.
  const addresses = ['-http-addr', `127.0.0.1:${port}`, '-https-addr', '127.0.0.1:'];
  const { child, output } = startRead(program, addresses);
  const throwIfEnded = () => {
    const ending = endingOf(child);
    if (ending !== null) throw new Error(`stripe-mock ended with ${ending}: ${output()}`);
  };
  await until('stripe-mock listens', () => {
    throwIfEnded();
    return output().includes('Listening for HTTP at');
  });
  return {
    get url() {
      throwIfEnded();
      return `http://127.0.0.1:${port}`;
    },
    requests: () => [...output().matchAll(/^Request: (.*)$/gm)].map(([, request = '']) => request),
    stop: () => end(child, 'SIGKILL'),
  };
}

function programFile(): Promise<string> {
  return kept(`stripe-mock-${STRIPE_MOCK_VERSION}`, async (draft) => {
    const env = { ...process.env, GOBIN: draft };
    await run('go', ['install', `${MODULE}@${STRIPE_MOCK_VERSION}`], { env, timeout: patience(INSTALL_TIMEOUT_MS) });
    const built = join(draft, 'stripe-mock');
    const { stdout } = await run('go', ['version', '-m', built]);
    if (!stdout.includes(`mod\t${MODULE}\t${STRIPE_MOCK_VERSION}\t${DIGEST}`))
      throw new Error(`stripe-mock is not the one with the digest ${DIGEST}: ${stdout}`);
    return built;
  });
}
