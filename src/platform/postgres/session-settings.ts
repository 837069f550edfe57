/**
 * How a session is set up, whatever else the address asks of it: `pg` takes the address's `options` in place of those
 * beside it. Ours come last and so win.
 */
export function sessionSettings(
  dsn: string,
  settings: readonly string[],
): { readonly connectionString: string; readonly options: string } {
  const ours = settings.map((setting) => `-c ${setting}`);
  const url = new URL(dsn);
  const given = url.searchParams.get('options');
  if (given === null) return { connectionString: dsn, options: ours.join(' ') };
  url.searchParams.delete('options');
  return { connectionString: url.toString(), options: [given, ...ours].join(' ') };
}
