import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The account of the server. PostgreSQL refuses to run as root, so a process of root uses another account. */
export type ServerAccount =
  | { readonly kind: 'own' }
  | {
      readonly kind: 'other';
      readonly uid: number;
      readonly gid: number;
      /** Whether the account needs a capability to reach the folders, because only root may enter a parent folder. */
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

/** The account for the server of `dataDir`. Throws an Error that says what to do when there is none. */
export async function serverAccount(dataDir: string): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return { kind: 'own' };
  const accounts = await readFile('/etc/passwd', 'utf8');
  for (const candidate of CANDIDATES) {
    const line = accounts.split('\n').find((entry) => entry.startsWith(`${candidate}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    if (uid === undefined || gid === undefined) continue;
    const entersAll = !(await everyoneMayEnter(dataDir)) || !(await everyoneMayEnter(import.meta.dirname));
    if (entersAll) await requireSetpriv();
    return { kind: 'other', uid: Number(uid), gid: Number(gid), entersAll };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no account to run it as. Set POSTGRES_DSN, or start as another user.',
  );
}

/**
 * The command that runs a program as the account. If only root may enter the folders, `setpriv` leaves it one capability
 * (CAP_DAC_OVERRIDE) to pass them, because a checkout in root's home is common on a new machine.
 */
export function runAs(account: ServerAccount, program: string, args: readonly string[]): Command {
  if (account.kind === 'own') return { program, args };
  const { uid, gid } = account;
  if (!account.entersAll) return { program, args, uid, gid };
  const privileges = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    // Without it, access(2), with which initdb finds its programs, would ignore the capability.
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

async function requireSetpriv(): Promise<void> {
  try {
    await access(SETPRIV, constants.X_OK);
  } catch {
    throw new Error(
      'PostgreSQL does not run as root, and its account may not enter this folder. Start as another user, move the checkout to a folder that all may enter, or set POSTGRES_DSN.',
    );
  }
}
