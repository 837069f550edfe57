import { until } from './servers.ts';
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

/** The samples once each of these has its value, because what is read from the database is kept for a moment. */
export function samplesWith(app: { readonly url: string }, values: Record<string, number>) {
  return until(`the metrics show ${JSON.stringify(values)}`, async () => {
    const samples = await samplesOf(app);
    return Object.entries(values).every(([name, value]) => samples[name] === value) && samples;
  });
}
