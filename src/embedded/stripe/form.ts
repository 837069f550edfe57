/** The value of a form field: text, or nested fields in bracket notation. */
export type FormValue = string | { readonly [name: string]: FormValue };
export type Form = { readonly [name: string]: FormValue };

const MAX_FIELDS = 200;
const MAX_DEPTH = 5;
const SEGMENT = /\[([^[\]]*)\]/g;

/**
 * Parses Stripe's form encoding, as in the examples of https://docs.stripe.com/api: `metadata[order_id]=1` is nested, and
 * `expand[]=x` and `expand[0]=x` are items of a list. Fields beyond the limits are ignored.
 */
export function parseForm(body: string): Form {
  const form: Record<string, FormValue> = Object.create(null);
  let fields = 0;
  for (const [name, value] of new URLSearchParams(body)) {
    fields += 1;
    if (fields > MAX_FIELDS) break;
    put(form, pathOf(name), value);
  }
  return form;
}

function pathOf(name: string): string[] {
  const head = /^[^[\]]+/.exec(name)?.[0] ?? name;
  return [head, ...[...name.slice(head.length).matchAll(SEGMENT)].map(([, segment = '']) => segment)];
}

function put(form: Record<string, FormValue>, path: readonly string[], value: string): void {
  if (path.length > MAX_DEPTH) return;
  let at = form;
  for (const [depth, segment] of path.entries()) {
    const name = segment === '' ? String(Object.keys(at).length) : segment;
    if (depth === path.length - 1) {
      at[name] = value;
      return;
    }
    const below = at[name];
    const next: Record<string, FormValue> = typeof below === 'object' ? below : Object.create(null);
    at[name] = next;
    at = next;
  }
}

/** The text of a field; undefined when it is absent or nested. */
export function text(form: Form, name: string): string | undefined {
  const value = form[name];
  return typeof value === 'string' ? value : undefined;
}

/** The texts nested in a field, such as metadata. */
export function texts(form: Form, name: string): Record<string, string> {
  const value = form[name];
  if (typeof value !== 'object') return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
