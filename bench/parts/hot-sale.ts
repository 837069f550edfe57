import { randomUUID } from 'node:crypto';
import { CHECKS } from '../../src/checks.ts';
import { verify } from '../../src/features/verification/index.ts';
import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { Currency } from '../../src/kernel/money.ts';
import { openDatabase } from '../../src/platform/postgres/database.ts';
import { rounded, type Section } from '../report/section.ts';
import type { BenchService } from '../service.ts';
import { toSpeed } from '../stage/load.ts';
import { openSale } from '../stage/sale.ts';
import { dropDatabase, openStage } from '../stage/stage.ts';
import type { Bench } from './bench.ts';

const BUYERS = 10_000;
const SEATS = 2_000;
const TRIES = 3;
const ONE_PAYS_IN = 3;
const SETTLED_TIMEOUT_MS = 120_000;
const LOOK_EVERY_MS = 50;
const QUICK_PART = 10;
const SEATS_A_PAIR = 2;
/** Latencies are reported for all buyers together, not per second. */
const AS_ONE_SECOND = 1;

/** Part 3. It uses its own stage, because each buyer has their own token. If it fails, the caller closes the stage. */
export async function hotSale({ isQuick, say }: Bench): Promise<Section> {
  const buyers = isQuick ? BUYERS / QUICK_PART : BUYERS;
  const seats = isQuick ? SEATS / QUICK_PART : SEATS;
  say(`${buyers} buyers sign in`);
  const stage = await openStage({ buyers });
  const dsn = await stage.freshDatabase();
  const service = await stage.serve(dsn);
  const pairs = Array.from({ length: seats / SEATS_A_PAIR }, () => [randomUUID(), randomUUID()]);
  const openedAt = Date.now();
  const sold = await openSale({
    url: service.url,
    tokens: stage.tokens,
    pairs,
    tries: TRIES,
    onePaysIn: ONE_PAYS_IN,
  });
  const settledMs = (await lastCompletedAt(service, sold.paid.length)) - openedAt;
  const findings = await findingsIn(dsn);
  await service.close();
  await dropDatabase(dsn);
  await stage.close();
  const [winners, losers] = [toSpeed(sold.winners, AS_ONE_SECOND), toSpeed(sold.losers, AS_ONE_SECOND)];
  const isSoldOut = sold.winners.length === pairs.length;
  return {
    title: 'A hot sale',
    how: `${buyers} buyers start at the same moment for ${seats} seats, each over their own connection. Each tries at most ${TRIES} pairs and retries when asked to; one in ${ONE_PAYS_IN} buyers with seats pays at the embedded Stripe. Latency counts from the start.`,
    columns: ['What', 'How much'],
    rows: [
      [
        isSoldOut ? 'Last seat sold after' : 'Not all seats were sold; the last that was, after',
        `${rounded(sold.lastSoldMs / MS_PER_SECOND, 2)} s`,
      ],
      ['Pairs of seats sold', `${sold.winners.length} of ${pairs.length}`],
      ['Winners waited, p50 and p99', `${rounded(winners.p50)} and ${rounded(winners.p99)} ms`],
      ['Losers waited for their last answer, p50 and p99', `${rounded(losers.p50)} and ${rounded(losers.p99)} ms`],
      ['Asked to try again', sold.shed],
      ['Paid', sold.paid.length],
      ['All paid orders completed after', `${rounded(settledMs / MS_PER_SECOND, 2)} s`],
      ['Errors', sold.errors],
      ['Findings of `npm run verify`', findings],
    ],
    figures: [
      { what: 'findings', value: findings, goal: 0, better: 'less' },
      { what: 'errors', value: sold.errors, goal: 0, better: 'less' },
    ],
  };
}

/** Time at which the last paid order was completed, in ms since 1970. Waits for orders in progress. */
async function lastCompletedAt({ sql }: BenchService, paid: number): Promise<number> {
  const deadline = performance.now() + SETTLED_TIMEOUT_MS;
  for (;;) {
    const { rows } = await sql.query<{ n: string; last: Date | null }>(
      "SELECT count(*) AS n, max(completed_at) AS last FROM orders WHERE status = 'completed'",
    );
    if (Number(rows[0]?.n) >= paid) return Number(rows[0]?.last);
    if (performance.now() > deadline) throw new Error(`${rows[0]?.n} of ${paid} paid orders completed`);
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
}

async function findingsIn(dsn: string): Promise<number> {
  const database = openDatabase({
    currency: new Currency('lkr'),
    dsn,
    maxConnections: 1,
    statementTimeoutMs: 60_000,
    onIdleError: () => undefined,
  });
  try {
    return (await database.snapshot((executor) => verify(executor, CHECKS))).length;
  } finally {
    await database.close();
  }
}
