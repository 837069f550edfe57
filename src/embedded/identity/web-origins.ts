/** The origins whose pages may call the provider, frame its two small pages, and be redirected to after sign-in. */
export interface WebOrigins {
  readonly list: readonly string[];
  includes(origin: string | undefined): boolean;
  /** Whether a redirect to this address is allowed: any path of a listed origin, with http or https. */
  allowsRedirectTo(address: string): boolean;
}

/** Without spaces, control characters and backslashes, which browsers and servers interpret differently. */
const PLAIN_ADDRESS = /^https?:\/\/[!-[\]-~]+$/;

/** The origins of the client `web-frontend`. Throws when an entry is not an origin such as `http://localhost:8090`. */
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
