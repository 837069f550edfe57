/**
 * Measures the effect of a change: this checkout beside the same with other variables (`-- ORDERS_PER_STATEMENT=1`) or
 * beside another checkout (`-- --against PATH`), in alternating rounds. Prints orders per second and processor time per
 * order at 32 and 300 clients, and the median ratio of the rounds. A closed loop.
 */
import { measureOrders, ORDER_COLUMNS, orderRows, share } from './parts/orders.ts';
import { inMarkdown } from './report/report.ts';
import { median, rounded } from './report/section.ts';
import { openStage } from './stage/stage.ts';

const CLIENTS = [32, 300];
const ROUNDS = 4;
const DURATION_MS = 5_000;
const NOW = 'as it is';

const [, , ...given] = process.argv;
const at = given.indexOf('--against');
const env = Object.fromEntries(
  given.flatMap((each) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(each) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value]];
  }),
);
const checkout = at === -1 ? undefined : given[at + 1];
const other = checkout ?? given.join(' ');
if (other === '') throw new Error('name what to compare with: NAME=VALUE or --against PATH');

const stage = await openStage({ buyers: 200 });
try {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const services = { [NOW]: {}, [other]: { env, ...(checkout === undefined ? {} : { checkout }) } };
  const all = await measureOrders(
    { stage, pgbench: undefined, isQuick: false, say },
    { clients: CLIENTS, rounds: ROUNDS, durationMs: DURATION_MS, limits: [], limitClients: [], services },
  );
  const how = `The median of ${ROUNDS} alternating rounds of ${DURATION_MS / 1_000} s.`;
  console.log(inMarkdown({ title: 'Compared', how, columns: ORDER_COLUMNS, rows: orderRows(all), figures: [] }));
  for (const clients of CLIENTS) {
    const cost = (who: string, part: string) =>
      median(
        all.filter((each) => each.who === who && each.clients === clients).map(({ cpu }) => cpu?.[part] ?? Number.NaN),
      );
    const parts = ['service', 'PostgreSQL'].map(
      (part) => `${part} ${rounded(cost(NOW, part))} µs instead of ${rounded(cost(other, part))}`,
    );
    const times = rounded(share(all, [NOW, clients], [other, clients]), 2);
    console.log(`${clients} clients: ${times} times as many orders as ${other}; ${parts.join(', ')}`);
  }
} finally {
  await stage.close();
}
