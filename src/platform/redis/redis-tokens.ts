import { randomUUID } from 'node:crypto';
import { type Clock, toRfc3339 } from '../../kernel/clock.ts';
import { readInstant } from '../../kernel/iso-date.ts';
import type { SharedToken, SharedTokens } from '../m2m-tokens/shared-tokens.ts';
import type { Circuit } from './circuit.ts';
import type { RedisConnection } from './connection.ts';
import { Script } from './script.ts';

const TOKEN_KEY = 'm2m_token';
const CLAIM_KEY = 'm2m_token:claim';

const DELETE_IF = new Script(`if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`);
const DELETE_TOKEN = new Script(`
local kept = redis.call('GET', KEYS[1])
if not kept then return end
local readable, value = pcall(cjson.decode, kept)
if not readable or type(value) ~= 'table' or value.token == ARGV[1] then redis.call('DEL', KEYS[1]) end`);

/** Shares the token in Redis (contract section 3). While Redis is unavailable, each replica uses its own token. */
export function createRedisTokens({ commands }: RedisConnection, circuit: Circuit, clock: Clock): SharedTokens {
  const me = randomUUID();

  /** The answer of Redis, or `otherwise` while it is unavailable. */
  const ask = <Value>(question: () => Promise<Value>, otherwise: Value) => circuit.run(question).catch(() => otherwise);

  return {
    async read() {
      return readToken(await ask(() => commands.get(TOKEN_KEY), null));
    },
    async keep({ token, expiresAt }) {
      const lifeMs = Math.floor(expiresAt - clock.now());
      if (lifeMs < 1) return;
      const value = JSON.stringify({ token, expires_at: toRfc3339(expiresAt) });
      await ask(() => commands.set(TOKEN_KEY, value, 'PX', lifeMs), 'OK');
    },
    async forget(token) {
      await ask(() => DELETE_TOKEN.run(commands, [TOKEN_KEY], [token]), undefined);
    },
    claim: (forMs) => ask(async () => (await commands.set(CLAIM_KEY, me, 'PX', forMs, 'NX')) === 'OK', true),
    async unclaim() {
      await ask(() => DELETE_IF.run(commands, [CLAIM_KEY], [me]), undefined);
    },
  };
}

/** A value without the contract's form is ignored, and the next token replaces it. */
function readToken(kept: string | null): SharedToken | undefined {
  try {
    const { token, expires_at: end } = JSON.parse(kept ?? '{}') as Record<string, unknown>;
    const expiresAt = readInstant(String(end));
    return typeof token === 'string' && token !== '' && expiresAt !== undefined ? { token, expiresAt } : undefined;
  } catch {
    return undefined;
  }
}
