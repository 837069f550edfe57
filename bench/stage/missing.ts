/** Optional programs. A part that needs one is skipped without a failure if it is not installed. */
const OPTIONAL: readonly string[] = ['redis-server', 'java', 'keytool', 'mvn'];

/** The optional program that is missing, if the error says so. */
export function missingServer(error: unknown): string | undefined {
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  const isAbsent = code === 'ENOENT' && syscall?.startsWith('spawn') === true;
  return isAbsent && path !== undefined && OPTIONAL.includes(path) ? path : undefined;
}
