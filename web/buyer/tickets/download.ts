import { NoAnswer, problemOf } from '../../lib/api/problem.ts';

const REVOKE_AFTER_MS = 60_000;

/** Saves a file that needs the access token: a plain link could not send it. */
export async function download(path: string, token: string | undefined, name: string): Promise<void> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(path, { headers }).catch((error) => {
    throw new NoAnswer(error);
  });
  if (!response.ok) throw await problemOf(response);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS);
}
