import { createHash } from 'node:crypto';

/** What makes two requests the same. */
interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

/** Hash of a request that is the same in whatever order the members of its JSON objects come. */
export function fingerprintInOrder({ method, url, body }: Asked): string {
  return hashOf([method, url, inOrder(body ?? null)]);
}

/** Hash of a request as it was sent, which replicas of the release before compare. */
export function fingerprintAsSent({ method, url, body }: Asked): string {
  return hashOf([method, url, body ?? null]);
}

function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** The levels of a body are bounded where it is parsed (`json-bodies.ts`). */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, each]) => [name, inOrder(each)]));
}
