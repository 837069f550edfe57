import { LRUCache } from 'lru-cache';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { MS_PER_SECOND } from '../../kernel/clock.ts';

/** Maximum number of sessions, codes, grants and refresh tokens; the least recently used ones are removed first. */
const MAX_ENTRIES = 20_000;

/** The provider's storage in memory. After a restart, users must sign in again. */
export function createIdentityStore(): (model: string) => Adapter {
  const entries = new LRUCache<string, AdapterPayload>({ max: MAX_ENTRIES });

  return (model) => {
    const keyOf = (id: string) => `${model}:${id}`;
    const findBy = async (matches: (payload: AdapterPayload) => boolean) => {
      for (const [key, payload] of entries.entries()) {
        if (key.startsWith(`${model}:`) && matches(payload)) return payload;
      }
      return undefined;
    };
    return {
      async upsert(id, payload, expiresIn) {
        entries.set(keyOf(id), payload, expiresIn ? { ttl: expiresIn * MS_PER_SECOND } : {});
      },
      find: async (id) => entries.get(keyOf(id)),
      findByUid: (uid) => findBy((payload) => payload.uid === uid),
      findByUserCode: (userCode) => findBy((payload) => payload.userCode === userCode),
      async consume(id) {
        const payload = entries.get(keyOf(id));
        if (payload) payload.consumed = Math.floor(Date.now() / MS_PER_SECOND);
      },
      async destroy(id) {
        entries.delete(keyOf(id));
      },
      async revokeByGrantId(grantId) {
        for (const [key, payload] of entries.entries()) {
          // A sign-in in progress refers to the grant of the earlier session, and must survive its end.
          if (key.startsWith(`${model}:`) && payload.grantId === grantId) entries.delete(key);
        }
      },
    };
  };
}
