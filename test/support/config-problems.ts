import { ConfigError, readConfig } from '../../src/config.ts';

/** The problems with which these variables stop a start; none when it would start. */
export function problemsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
