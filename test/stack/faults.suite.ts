import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { Currency } from '../../src/kernel/money.ts';
import { compareAnnounced } from '../support/announced.ts';
import { patience } from '../support/patience.ts';
import { until } from '../support/servers.ts';
import { type Asked, type Hall, isFailure, type Kind, openHall, sendBuyers } from '../support/stack/buyers.ts';
import type { Fault } from '../support/stack/faults.ts';
import { moneyDifferences } from '../support/stack/money.ts';
import type { Stack } from '../support/stack/stack.ts';
import { findingsIn } from '../support/test-app.ts';

const BEFORE_MS = 1_500;
const GOOD_IN_A_ROW = 25;
const RECOVERY_MS = 60_000;
const SETTLE_MS = 90_000;

/** The longest time that anything may be waited for, by the names that these bounds have in `src`. */
const DATABASE_MS = 5_000 /* CONNECT_TIMEOUT */ + 11_000; /* STATEMENT_TIMEOUT and ANSWER_LEEWAY */
const REDIS_MS = 300; /* TIMEOUT, thrice */
const TOKEN_MS = 5_000; /* REQUEST_TIMEOUT of m2m-tokens */
const SEATING_MS = 4_000; /* REQUEST_TIMEOUT of service-client */
const STRIPE_MS = 3 * 8_000 + 4_000; /* REQUEST_TIMEOUT, MAX_NETWORK_RETRIES and their pauses */
const BUSY_MS = 1_500; /* of this machine, which runs all of it on two cores */
const BOUNDS: Readonly<Record<Kind, number>> = {
  place: REDIS_MS + TOKEN_MS + SEATING_MS + DATABASE_MS,
  read: DATABASE_MS,
  cancel: DATABASE_MS + STRIPE_MS,
  intent: DATABASE_MS + STRIPE_MS,
  checkout: DATABASE_MS + STRIPE_MS,
};

/** One fault at a time, under load. */
export function faultsSuite(stackOf: () => Stack, faults: readonly Fault[]): void {
  const seen: string[][] = [];
  let hall: Hall | undefined;

  test.each(faults)('$name', async (fault) => {
    const stack = stackOf();
    hall ??= await openHall(stack.url);
    const { asked, recoveredMs } = await runThrough(stack, hall, fault);
    const failures = asked.filter(isFailure);
    const longest = asked.reduce((a, b) => (a.ms > b.ms ? a : b));
    seen.push([
      fault.name,
      String(asked.length),
      `${((100 * failures.length) / asked.length).toFixed(1)} %`,
      `${(longest.ms / 1_000).toFixed(1)} s (${longest.kind})`,
      `${(recoveredMs / 1_000).toFixed(1)} s`,
      tally(failures),
    ]);
    expect(asked.filter(({ kind, ms }) => ms > BOUNDS[kind] + patience(BUSY_MS))).toEqual([]);
    const codes = new Set(failures.map(({ code, status }) => code ?? String(status)));
    expect(codes.difference(new Set(fault.mayAnswer))).toEqual(new Set());
    const compared = await compareAnnounced(stack.servers.directDsn(), stack.servers.links.kafka.address);
    expect(compared).toMatchObject({ strays: [], misordered: [], missing: 0 });
    expect(await soundness(stack)).toEqual([]);
  });

  afterAll(() => {
    const head = ['fault', 'requests', 'failed', 'longest wait', 'well again after', 'how they failed'];
    const lines = [head, head.map(() => '---'), ...seen].map((cells) => `| ${cells.join(' | ')} |`);
    process.stdout.write(`\n${lines.join('\n')}\n\n`);
  });
}

/**
 * Runs buyers before, during and after a fault; returns their requests and the time from its end until all
 * buyers were served again.
 */
export async function runThrough(stack: Stack, hall: Hall, fault: Fault, recoveryMs = RECOVERY_MS) {
  const { asked, stop } = await sendBuyers(stack.url, hall, stack.servers.keycloak.signIn);
  let isOver = false;
  const heal = async () => {
    if (!isOver) await fault.heal(stack);
    isOver = true;
  };
  try {
    await setTimeout(BEFORE_MS);
    const first = asked.length;
    await fault.strike(stack);
    await fault.lasts(stack);
    await heal();
    const healedAt = performance.now();
    const recoveredMs = await until(
      'buyers are served again',
      () => {
        const last = asked.filter(({ kind }) => kind === 'place' || kind === 'intent').slice(-GOOD_IN_A_ROW);
        const since = last[0]?.endedAt ?? 0;
        const isWell = last.length === GOOD_IN_A_ROW && !last.some(isFailure) && since > healedAt;
        return isWell && since - healedAt;
      },
      recoveryMs,
    );
    await stop();
    return { asked: asked.slice(first), recoveredMs };
  } finally {
    await heal();
    await stop();
  }
}

/** What breaks an invariant, here or between here and Stripe, once all work has come to its end. */
async function soundness({ servers, stripe }: Stack): Promise<unknown[]> {
  const look = async () => [
    ...(await findingsIn(servers.directDsn(), new Currency('lkr'))),
    ...(await moneyDifferences(servers.directDsn(), `http://${stripe.address}`)),
  ];
  let found = await look();
  const deadline = performance.now() + patience(SETTLE_MS);
  while (found.length > 0 && performance.now() < deadline) {
    await setTimeout(500);
    found = await look();
  }
  return found;
}

function tally(failures: readonly Asked[]): string {
  const counts = new Map<string, number>();
  for (const { kind, status, code } of failures) {
    const what = `${kind} ${code ?? (status === 0 ? 'connection broke' : status)}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${count} ${what}`).join(', ') || '-';
}
