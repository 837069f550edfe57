/**
 * Compares Stripe's PaymentIntents of the last days (`--days N`, default RECONCILE_DAYS) with the payments in the database,
 * repairs differences where possible, and prints each. Exit code 0: nothing is left for an operator; 1: something is; 2: the
 * comparison failed. `--lost` includes payments for orders that are not in the database, as after a restore. Payments without
 * an order to pay for are reported and kept; `--give-back` refunds them. The script can run while the service is running,
 * because it uses the same code as a webhook.
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../src/app/foundation.ts';
import { buildReconcile } from '../src/app/reconcile.ts';
import type { Config } from '../src/config.ts';
import type { Difference } from '../src/features/payments/index.ts';
import { later, MS_PER_DAY } from '../src/kernel/clock.ts';
import { startDatabaseClock } from '../src/platform/postgres/database-clock.ts';
import { createStripeProvider } from '../src/platform/stripe/stripe.provider.ts';
import { openServiceDatabase, readScriptConfig, stripeOfService } from './servers.ts';

const LEFT_OPEN = 1;
const NOT_COMPARED = 2;
const DEFAULT_DAYS = 3;
const MAX_DAYS = 3_650;

function readArguments({ RECONCILE_DAYS }: Config) {
  const { values } = parseArgs({
    options: {
      days: { type: 'string' },
      lost: { type: 'boolean', default: false },
      'give-back': { type: 'boolean', default: false },
    },
  });
  const { lost, 'give-back': giveBack } = values;
  const days = values.days === undefined ? RECONCILE_DAYS || DEFAULT_DAYS : Number(values.days);
  if (days > 0 && days <= MAX_DAYS) return { days, lost, giveBack };
  throw new Error(`--days: must be a number above 0, at most ${MAX_DAYS}.`);
}

function lineOf({ intentId, orderId, detail, isRepaired }: Difference): string {
  return `${isRepaired ? 'repaired' : 'open    '}  ${intentId}  order ${orderId ?? 'unknown'}: ${detail}`;
}

async function run(): Promise<number> {
  const config = readScriptConfig();
  const { days, lost, giveBack } = readArguments(config);
  const database = await openServiceDatabase(config);
  try {
    const clock = await startDatabaseClock({
      database,
      processClock: systemClock,
      monotonicMs: () => performance.now(),
    });
    const since = later(clock.now(), -days * MS_PER_DAY);
    const provider = createStripeProvider(stripeOfService(config));
    const reconcile = buildReconcile(database, provider, clock);
    const { compared, differences } = await reconcile(since, { lost, refunds: giveBack ? 'allowed' : 'never' });
    for (const difference of differences) console.log(lineOf(difference));
    const open = differences.filter(({ isRepaired }) => !isRepaired).length;
    console.log(`${compared} payments compared, ${differences.length - open} repaired, ${open} left for an operator.`);
    const withheld = differences.filter(({ isWithheld }) => isWithheld).length;
    if (withheld > 0) console.log(`${withheld} of them are refunded by the same command with --give-back.`);
    return open === 0 ? 0 : LEFT_OPEN;
  } finally {
    await database.close();
  }
}

try {
  process.exitCode = await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = NOT_COMPARED;
}
