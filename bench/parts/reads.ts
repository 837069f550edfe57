import { OK } from '../../src/kernel/http-status.ts';
import { rounded, type Section } from '../report/section.ts';
import { addHistory, checkIns } from '../stage/history.ts';
import type { Plan } from '../stage/load.ts';
import { dropDatabase } from '../stage/stage.ts';
import type { Bench } from './bench.ts';
import { window } from './orders.ts';

const CLIENTS = 32;
const ORDERS_A_BUYER = 10;
const DURATION_MS = 5_000;
/** More than are admitted in the window, because a second check-in of a ticket is refused. */
const CHECK_INS = 60_000;
const WARM_UP_MS = 1_000;

/** Part 4. Each buyer has ten orders of two tickets, seven of them completed. */
export async function reads({ stage, say }: Bench): Promise<Section> {
  const dsn = await stage.freshDatabase();
  const service = await stage.serve(dsn);
  const users = stage.tokens.map(subjectOf);
  await addHistory(dsn, { from: 0, to: users.length * ORDERS_A_BUYER, users, say });
  await addHistory(dsn, { from: users.length * ORDERS_A_BUYER, to: CHECK_INS, say });
  const { rows: own } = await service.sql.query<{ order_id: string; user_id: string }>(
    'SELECT DISTINCT ON (user_id) order_id, user_id FROM orders WHERE user_id = ANY ($1::uuid[]) ORDER BY user_id',
    [users],
  );
  const orderOf = new Map(own.map(({ order_id, user_id }) => [user_id, order_id]));
  const base = {
    url: service.url,
    loop: 'closed',
    connections: CLIENTS,
    warmUpMs: WARM_UP_MS,
    durationMs: DURATION_MS,
  } as const;
  const asked: Record<string, Plan> = {
    'an order': { ...base, method: 'GET', paths: users.map((user) => `/api/order/${orderOf.get(user)}`) },
    'a buyer’s list, with QR codes': { ...base, method: 'GET', paths: ['/api/order/user/orders'] },
    'a check-in': {
      ...base,
      method: 'POST',
      paths: ['/api/order/ticket/checkin'],
      bodies: await checkIns(service.sql, CHECK_INS),
    },
    health: { ...base, method: 'GET', paths: ['/api/order/health'] },
    liveness: { ...base, method: 'GET', paths: ['/healthz'] },
  };
  const rows: (string | number)[][] = [];
  for (const [what, plan] of Object.entries(asked)) {
    const { speed, errors, cpu } = await window(stage, service, plan, OK);
    say(`${what}: ${rounded(speed.perSecond)}/s`);
    rows.push([
      what,
      rounded(speed.perSecond),
      rounded(speed.p50, 1),
      rounded(speed.p99, 1),
      errors,
      rounded(cpu?.service ?? 0),
    ]);
  }
  await service.close();
  await dropDatabase(dsn);
  return {
    title: 'Reads',
    how: `${CLIENTS} clients in a closed loop; a buyer has ${ORDERS_A_BUYER} orders of two tickets.`,
    columns: ['What', 'A second', 'p50 ms', 'p99 ms', 'Errors', 'µs of processor in the service'],
    rows,
    figures: [],
  };
}

/** The user of a token. */
function subjectOf(token: string): string {
  const [, claims = ''] = token.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string }).sub;
}
