import { createHash } from 'node:crypto';
import type { RedisCommands } from './connection.ts';

/**
 * A Lua script, which Redis runs atomically. It is called by its digest, and sent in full when the server does not have it:
 * after a start, a restart or a flush.
 */
export class Script {
  readonly #lua: string;
  readonly #sha: string;

  constructor(lua: string) {
    this.#lua = lua;
    this.#sha = createHash('sha1').update(lua).digest('hex');
  }

  async run(commands: RedisCommands, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    try {
      return await commands.evalsha(this.#sha, keys.length, ...keys, ...values);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return commands.eval(this.#lua, keys.length, ...keys, ...values);
    }
  }
}
