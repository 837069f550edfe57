import { createHash } from 'node:crypto';
import type { RedisCommands } from './connection.ts';

/** A Lua script that Redis runs as one step. */
export interface Script {
  run(
    commands: RedisCommands,
    keys: readonly string[],
    given: readonly (string | number)[],
  ): Promise<unknown>;
}

/** A script that is sent by its digest, and whole to a server that does not have it: a new, restarted or flushed one. */
export function createScript(lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');
  return {
    async run(commands, keys, given) {
      try {
        return await commands.evalsha(sha, keys.length, ...keys, ...given);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return commands.eval(lua, keys.length, ...keys, ...given);
      }
    },
  };
}
