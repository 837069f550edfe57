interface Segment {
  /** The pattern without parameter names: `:` or `:.pdf`. */
  readonly text: string;
  readonly matches: RegExp;
  readonly below: Place;
}

interface Place {
  readonly named: Map<string, Place>;
  /** Segments that contain a parameter, the most specific ones first. */
  readonly matched: Segment[];
  methods?: Set<string>;
}

const newPlace = (): Place => ({ named: new Map(), matched: [] });

/**
 * The methods of every path. The router keeps one tree for each method, so that a path which exists only for other methods
 * can match a parameter: `PUT /api/order/ticket` matches `/api/order/:orderId`.
 */
export class Addresses {
  readonly #root = newPlace();
  /** The methods of patterns without a parameter, which are always the most specific match. */
  readonly #exact = new Map<string, ReadonlySet<string>>();

  add(pattern: string, methods: readonly string[]): void {
    if (pattern.includes('*')) return;
    let place = this.#root;
    for (const segment of segmentsOf(pattern)) place = placeBelow(place, segment);
    place.methods ??= new Set();
    for (const method of methods) place.methods.add(method);
    if (!pattern.includes(':')) this.#exact.set(pattern, place.methods);
  }

  /** The methods of the most specific pattern that matches the path; undefined when none matches. */
  methodsOf(path: string): ReadonlySet<string> | undefined {
    return this.#exact.get(path) ?? methodsBelow(this.#root, segmentsOf(decoded(path)));
  }
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
