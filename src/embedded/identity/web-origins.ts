/** Which pages may call the provider, frame its two small pages and be returned to after sign-in. */
export interface WebOrigins {
  readonly list: readonly string[];
  includes(origin: string | undefined): boolean;
  /** Whether a browser may be sent to this address: any path of a listed origin, by http or https alone. */
  allowsRedirectTo(address: string): boolean;
}

/** No space, control character or backslash: browsers and servers read those in different ways. */
const PLAIN_ADDRESS = /^https?:\/\/[!-[\]-~]+$/;

/** The list that `web-frontend` has. Throws when an entry is not an origin, such as `http://localhost:8090`. */
export function webOriginsOf(origins: readonly string[]): WebOrigins {
  for (const origin of origins) {
    if (!PLAIN_ADDRESS.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new Error(`${origin} is not an origin. Write it as http://localhost:8090, without a path.`);
  }
  const known = new Set(origins);
  return {
    list: [...known],
    includes: (origin) => origin !== undefined && known.has(origin),
    allowsRedirectTo(address) {
      if (!PLAIN_ADDRESS.test(address) || !URL.canParse(address)) return false;
      const { origin, username, password } = new URL(address);
      return username === '' && password === '' && known.has(origin);
    },
  };
}
