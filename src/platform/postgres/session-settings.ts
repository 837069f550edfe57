/**
 * The settings of a session, combined with `options` in the address: `pg` would use the address's options in place of ours.
 * Ours come last and therefore take precedence.
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
