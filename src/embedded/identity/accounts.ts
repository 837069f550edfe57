import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { as, type IdSource, type UserId } from '../../kernel/ids.ts';
import { DEMO_PASSWORD, DEMO_USERS, type DemoUser } from '../demo-accounts.ts';
import { openJournal } from '../journal.ts';
import type { SignUp } from './sign-up.rules.ts';

/** Somebody who can sign in: a demo user, or a person who signed up. */
export type Account = DemoUser;

/** Why an account was not made. */
export type SignUpRefusal = 'username_taken' | 'email_taken' | 'full' | 'busy';

/** Who can sign in. Those who signed up are kept in the data folder. */
export interface Accounts {
  bySub(sub: string): Account | undefined;
  /** The account that user name (or email address) and password belong to; undefined when they do not. */
  authenticate(login: string, password: string): Promise<Account | 'busy' | undefined>;
  signUp(form: SignUp): Promise<Account | SignUpRefusal>;
  close(): Promise<void>;
}

interface KeptAccount {
  readonly sub: UserId;
  readonly username: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  /** Base64. */
  readonly salt: string;
  readonly hash: string;
}

export interface AccountsOptions {
  readonly dataDir: string;
  readonly ids: IdSource;
  readonly randomBytes: (bytes: number) => Buffer;
  /** Most people who signed up; further ones are refused. */
  readonly maxAccounts: number;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Most passwords hashed at the same time: each takes 32 MiB and a thread for about 0.1 s. */
const MAX_HASHES = 4;
const HASHING: ScryptOptions = { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 };

/** Opens the accounts of the data folder. */
export async function openAccounts(options: AccountsOptions): Promise<Accounts> {
  const journal = await openJournal<KeptAccount>(join(options.dataDir, 'accounts.jsonl'));
  const demo: readonly Account[] = Object.values(DEMO_USERS);
  const everybody = () => [...demo, ...[...journal.values()].map(toAccount)];
  const hash = boundedHash();
  return {
    bySub: (sub) => everybody().find((account) => account.sub === sub),
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
        const all = everybody();
        if (all.some((account) => account.username === username)) return 'username_taken' as const;
        if (all.some((account) => account.email === email)) return 'email_taken' as const;
        return all.length - demo.length >= options.maxAccounts ? ('full' as const) : undefined;
      };
      const known = refusal();
      if (known) return known;
      const salt = options.randomBytes(SALT_BYTES);
      const hashed = await hash(password, salt);
      if (hashed === 'busy') return 'busy';
      // Another sign-up may have taken the name while this password was hashed.
      const taken = refusal();
      if (taken) return taken;
      const kept = {
        sub: as<UserId>(options.ids.uuid()),
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
  return {
    sub,
    username,
    email,
    firstName,
    lastName,
    isEmailVerified: false,
    realmRoles: ['user'],
    groups: [],
  };
}

function isSame(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Hashes a password, or says at once that too many are being hashed. */
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
