import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { rounded, type Section } from '../report/section.ts';
import { dropDatabase } from '../stage/stage.ts';
import type { Bench } from './bench.ts';

const STARTS = 3;
const MOST_SECONDS = 2;

/** Measures the time from process start to the first answer, on an existing database. */
export async function coldStart({ stage, say }: Bench): Promise<Section> {
  const dsn = await stage.freshDatabase();
  const seconds: number[] = [];
  while (seconds.length < STARTS) {
    const began = performance.now();
    const service = await stage.serve(dsn);
    const { status } = await fetch(`${service.url}/healthz`);
    if (status !== 200) throw new Error(`health answered ${status}`);
    seconds.push((performance.now() - began) / MS_PER_SECOND);
    say(`a start took ${rounded(seconds.at(-1) ?? 0, 2)} s`);
    await service.close();
  }
  await dropDatabase(dsn);
  return {
    title: 'Cold start',
    how: 'From starting `node` to the first answer, with PostgreSQL already running.',
    columns: ['Start', 'Seconds'],
    rows: seconds.map((each, at) => [at + 1, rounded(each, 2)]),
    figures: [{ what: 'seconds, slowest', value: Math.max(...seconds), goal: MOST_SECONDS, better: 'less' }],
  };
}
