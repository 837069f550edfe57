/** An address that routes stand at: its pattern, and the methods it takes. */
export interface Address {
  readonly methods: ReadonlySet<string>;
}

export interface Addresses {
  add(pattern: string, methods: readonly string[]): void;
  /** What is at a path: of several patterns the one that names most of it, as the router decides among those of one method. */
  find(path: string): Address | undefined;
}

interface Segment {
  /** Without the names of its parameters: `:` or `:.pdf`. */
  readonly text: string;
  readonly matches: RegExp;
  readonly below: Place;
}

interface Place {
  readonly named: Map<string, Place>;
  /** Segments with a parameter in them, those with more text first. */
  readonly matched: Segment[];
  methods?: Set<string>;
}

const newPlace = (): Place => ({ named: new Map(), matched: [] });

/**
 * Every address, whatever its methods. The router keeps one tree for each method, so that a path which only other methods
 * name may be taken by a parameter there: `PUT /api/order/ticket` by `/api/order/:orderId`.
 */
export function createAddresses(): Addresses {
  const root = newPlace();
  /** Addresses without a parameter, by their paths: nothing else names more of such a path. */
  const exact = new Map<string, Address>();
  return {
    add(pattern, methods) {
      if (pattern.includes('*')) return;
      let place = root;
      for (const segment of segmentsOf(pattern)) place = placeBelow(place, segment);
      place.methods ??= new Set();
      for (const method of methods) place.methods.add(method);
      if (!pattern.includes(':')) exact.set(pattern, { methods: place.methods });
    },
    find(path) {
      const known = exact.get(path);
      if (known) return known;
      const methods = methodsBelow(root, segmentsOf(decoded(path)));
      return methods && { methods };
    },
  };
}

function placeBelow(place: Place, segment: string): Place {
  if (!segment.includes(':')) {
    const below = place.named.get(segment) ?? newPlace();
    place.named.set(segment, below);
    return below;
  }
  const text = segment.replaceAll(/:\w+/g, ':');
  const known = place.matched.find((each) => each.text === text);
  if (known) return known.below;
  const below = newPlace();
  place.matched.push({ text, matches: new RegExp(`^${text.split(':').map(escaped).join('.+')}$`), below });
  place.matched.sort((one, other) => other.text.length - one.text.length);
  return below;
}

function methodsBelow(place: Place, [first, ...rest]: readonly string[]): Set<string> | undefined {
  if (first === undefined) return place.methods;
  const named = place.named.get(first);
  const found = named && methodsBelow(named, rest);
  if (found) return found;
  for (const { matches, below } of place.matched) {
    const methods = matches.test(first) ? methodsBelow(below, rest) : undefined;
    if (methods) return methods;
  }
  return undefined;
}

function segmentsOf(path: string): string[] {
  const segments = path.split('/').slice(1);
  if (segments.at(-1) === '') segments.pop();
  return segments;
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
}
