/** A page and the values of its address. */
export interface Route<Name extends string> {
  readonly page: Name;
  readonly params: Readonly<Record<string, string>>;
}

/** The pages of an entry by the patterns of their addresses; moving between them loads nothing anew. */
export class Router<Name extends string> {
  readonly #patterns: readonly (readonly [pattern: string, page: Name])[];
  readonly #nothing: Name;
  #address = $state(new URL(location.href));
  readonly #path = $derived(this.#address.pathname);
  /** What the path of this page's address says; the same object while only the query changes. */
  readonly route: Route<Name> = $derived(this.#match(this.#path));

  constructor(patterns: Readonly<Record<string, Name>>, nothing: Name) {
    this.#patterns = Object.entries(patterns);
    this.#nothing = nothing;
    addEventListener('popstate', () => {
      this.#address = new URL(location.href);
    });
    addEventListener('click', (event) => this.#follow(event));
  }

  get address(): URL {
    return this.#address;
  }

  /** Goes to an address of this entry. `replace` leaves no way back to this page. */
  go(path: string, { replace = false } = {}): void {
    const address = new URL(path, location.href);
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    this.#address = address;
    if (!replace) scrollTo(0, 0);
  }

  /** A plain click on a link within the entry changes the page; any other goes the browser's way. */
  #follow(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute('download')) return;
    const address = new URL(link.href);
    if (address.origin !== location.origin || this.#match(address.pathname).page === this.#nothing) return;
    if (address.hash && address.pathname === location.pathname) return;
    event.preventDefault();
    this.go(link.href);
  }

  #match(path: string): Route<Name> {
    const parts = path.split('/');
    for (const [pattern, page] of this.#patterns) {
      const wanted = pattern.split('/');
      if (wanted.length !== parts.length) continue;
      const params: Record<string, string> = {};
      const isMatch = wanted.every((part, at) => {
        if (!part.startsWith(':')) return part === parts[at];
        params[part.slice(1)] = decodeURIComponent(parts[at] ?? '');
        return parts[at] !== '';
      });
      if (isMatch) return { page, params };
    }
    return { page: this.#nothing, params: {} };
  }
}
