/** What a part needs and cannot bring along: without it the part is left out, and that is no failure. */
const OPTIONAL: readonly string[] = ['redis-server', 'java', 'keytool', 'mvn'];

/** The optional server's program whose absence is what an error is about; undefined when it is about anything else. */
export function missingServer(error: unknown): string | undefined {
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  const isAbsent = code === 'ENOENT' && syscall?.startsWith('spawn') === true;
  return isAbsent && path !== undefined && OPTIONAL.includes(path) ? path : undefined;
}
