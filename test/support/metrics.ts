import { call } from './test-app.ts';

/** Every sample of `/metrics`, by its name with its labels. */
export async function samplesOf({ url }: { readonly url: string }): Promise<Record<string, number>> {
  const { text } = await call(url, 'GET', '/metrics');
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
