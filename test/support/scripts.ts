import { execFile } from 'node:child_process';
import { bareEnvironment } from './child-server.ts';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const MAX_OUTPUT_BYTES = 1_000_000;

/** Runs a command of `scripts/`; `env` and PATH are its whole environment. */
export function runScript(
  name: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<Ended> {
  const options = { env: { ...bareEnvironment(), ...env }, maxBuffer: MAX_OUTPUT_BYTES };
  return new Promise((done) => {
    execFile(process.execPath, [`scripts/${name}.ts`, ...args], options, (error, out, err) =>
      done({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

/** Makes new codes with `npm run qr:reissue`, which must succeed; returns the tickets that it prints, and what it says. */
export async function reissue(env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const { code, out, err } = await runScript('qr-reissue', env, args);
  if (code !== 0) throw new Error(err);
  const tickets = out.trimEnd().split('\n').filter(Boolean);
  return { tickets: tickets.map((line) => JSON.parse(line)), err };
}
