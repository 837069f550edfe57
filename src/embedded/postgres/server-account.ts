import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** PostgreSQL refuses to run as root; then it runs as another account of the system. */
export type ServerAccount =
  | { readonly kind: 'own' }
  | {
      readonly kind: 'other';
      readonly uid: number;
      readonly gid: number;
      /** Whether the account needs help to reach the folders: they lie below one that only root may enter. */
      readonly entersAll: boolean;
    };

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

const CANDIDATES = ['postgres', 'nobody'];
const SETPRIV = '/usr/bin/setpriv';
const MAY_ENTER = 0o001;

/** The account the server of `dataDir` runs as. Throws an Error that says what to do where there is none. */
export async function serverAccount(dataDir: string): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return { kind: 'own' };
  const accounts = await readFile('/etc/passwd', 'utf8');
  for (const candidate of CANDIDATES) {
    const line = accounts.split('\n').find((entry) => entry.startsWith(`${candidate}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    if (uid === undefined || gid === undefined) continue;
    const entersAll = !(await everyoneMayEnter(dataDir)) || !(await everyoneMayEnter(import.meta.dirname));
    if (entersAll) await demandSetpriv();
    return { kind: 'other', uid: Number(uid), gid: Number(gid), entersAll };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no account to run it as. Set POSTGRES_DSN, or start as another user.',
  );
}

/**
 * The command as that account. Where only root may enter the folders, `setpriv` leaves it the one capability to pass
 * them (CAP_DAC_OVERRIDE), because a checkout in root's home is common on a fresh machine.
 */
export function runAs(account: ServerAccount, program: string, args: readonly string[]): Command {
  if (account.kind === 'own') return { program, args };
  const { uid, gid } = account;
  if (!account.entersAll) return { program, args, uid, gid };
  const privileges = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    // Without it access(2), which initdb finds its programs with, would not count the capability.
    '--securebits=+no_setuid_fixup',
    '--inh-caps=-all,+dac_override',
    '--ambient-caps=-all,+dac_override',
    '--',
  ];
  return { program: SETPRIV, args: [...privileges, program, ...args] };
}

async function everyoneMayEnter(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode } = await stat(folder);
    if ((mode & MAY_ENTER) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function demandSetpriv(): Promise<void> {
  try {
    await access(SETPRIV, constants.X_OK);
  } catch {
    throw new Error(
      'PostgreSQL does not run as root, and its account may not enter this folder. Start as another user, move the checkout to a folder that all may enter, or set POSTGRES_DSN.',
    );
  }
}
