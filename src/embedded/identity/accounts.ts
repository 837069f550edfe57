import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { as, type IdSource, type UserId } from '../../kernel/ids.ts';
import { DEMO_PASSWORD, DEMO_USERS, type DemoUser } from '../demo-accounts.ts';
import { openJournal } from '../journal.ts';
import type { SignUp, SignUpFields } from './sign-up.rules.ts';

/** A user who can sign in: a demo user, or one who signed up. */
export type Account = DemoUser;

/** Why an account was not created. */
export type SignUpRefusal = 'username_taken' | 'email_taken' | 'full' | 'busy';

/** The users who can sign in. Those who signed up are stored in the data folder. */
export interface Accounts {
  bySub(sub: string): Account | undefined;
  /** The account with this user name or email address and this password; undefined when there is none. */
  authenticate(login: string, password: string): Promise<Account | 'busy' | undefined>;
  signUp(form: SignUp): Promise<Account | SignUpRefusal>;
  close(): Promise<void>;
}

interface KeptAccount extends SignUpFields {
  readonly sub: UserId;
  /** Base64. */
  readonly salt: string;
  readonly hash: string;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Maximum number of passwords hashed at the same time; each takes 32 MiB and a thread for about 0.1 s. */
const MAX_HASHES = 4;
const HASHING: ScryptOptions = { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 };

/** Opens the accounts of the data folder. Further sign-ups are refused after `maxAccounts`. */
export async function openAccounts(dataDir: string, ids: IdSource, maxAccounts: number): Promise<Accounts> {
  const journal = await openJournal<KeptAccount>(join(dataDir, 'accounts.jsonl'));
  const demo: readonly Account[] = Object.values(DEMO_USERS);
  const allAccounts = () => [...demo, ...[...journal.values()].map(toAccount)];
  const hash = boundedHash();
  return {
    bySub: (sub) => allAccounts().find((account) => account.sub === sub),
    async authenticate(login, password) {
      const name = login.trim().toLowerCase();
      const isNamed = ({ username, email }: Account | KeptAccount) => username === name || email === name;
      const user = demo.find(isNamed);
      if (user) return isSame(Buffer.from(password), Buffer.from(DEMO_PASSWORD)) ? user : undefined;
      const kept = [...journal.values()].find(isNamed);
      if (!kept) return undefined;
      const found = await hash(password, Buffer.from(kept.salt, 'base64'));
      if (found === 'busy') return 'busy';
      return isSame(found, Buffer.from(kept.hash, 'base64')) ? toAccount(kept) : undefined;
    },
    async signUp({ username, email, firstName, lastName, password }) {
      const refusal = () => {
        const all = allAccounts();
        if (all.some((account) => account.username === username)) return 'username_taken' as const;
        if (all.some((account) => account.email === email)) return 'email_taken' as const;
        return all.length - demo.length >= maxAccounts ? ('full' as const) : undefined;
      };
      const known = refusal();
      if (known) return known;
      const salt = randomBytes(SALT_BYTES);
      const hashed = await hash(password, salt);
      if (hashed === 'busy') return 'busy';
      // Another sign-up may have taken the name while this password was hashed.
      const taken = refusal();
      if (taken) return taken;
      const kept = {
        sub: as<UserId>(ids.uuid()),
        ...{ username, email, firstName, lastName },
        salt: salt.toString('base64'),
        hash: hashed.toString('base64'),
      };
      await journal.put(kept.sub, kept);
      return toAccount(kept);
    },
    close: () => journal.close(),
  };
}

function toAccount({ sub, username, email, firstName, lastName }: KeptAccount): Account {
  return { sub, username, email, firstName, lastName, isEmailVerified: false, realmRoles: ['user'], groups: [] };
}

function isSame(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Hashes passwords; `busy` at once when too many are being hashed. */
function boundedHash(): (password: string, salt: Buffer) => Promise<Buffer | 'busy'> {
  let underWay = 0;
  return async (password, salt) => {
    if (underWay >= MAX_HASHES) return 'busy';
    underWay += 1;
    try {
      return await new Promise<Buffer>((done, fail) => {
        scrypt(password.normalize('NFKC'), salt, HASH_BYTES, HASHING, (error, key) =>
          error ? fail(error) : done(key),
        );
      });
    } finally {
      underWay -= 1;
    }
  };
}
