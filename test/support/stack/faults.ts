import { setTimeout } from 'node:timers/promises';
import type { Link } from '../link.ts';
import { type Stack, TOKEN_LIFE_S } from './stack.ts';

/** Something that breaks under the service, for a while. */
export interface Fault {
  readonly name: string;
  /** How requests may fail during the fault: codes of answers, or a status without one; 0 for a broken connection. */
  readonly mayAnswer: readonly string[];
  strike(stack: Stack): unknown;
  lasts(stack: Stack): Promise<unknown>;
  heal(stack: Stack): unknown;
}

const FOR_MS = 8_000;
/** Longer than the service waits for an answer of PostgreSQL, or for one attempt at Stripe. */
const LONG_MS = 14_000;
const SLOW_MS = 100;
/** No limit is reached: long enough for every buyer to do everything. */
const SLOW_FOR_MS = 4_000;
const awhile = () => setTimeout(FOR_MS);

/** Servers and replicas that crash or stop. */
export const KILLED: readonly Fault[] = [
  {
    name: 'Redis killed, all nodes, and started again empty',
    mayAnswer: [],
    strike: ({ servers }) => Promise.all(servers.redis.map((node) => node.kill())),
    lasts: awhile,
    heal: ({ servers }) => Promise.all(servers.redis.map((node) => node.start())),
  },
  {
    name: 'a node of the Redis Cluster killed',
    mayAnswer: [],
    strike: ({ servers }) => servers.redis[1]?.kill(),
    lasts: awhile,
    heal: ({ servers }) => servers.redis[1]?.start(),
  },
  {
    name: 'Kafka killed and started again',
    mayAnswer: [],
    strike: ({ servers }) => servers.kafka.kill(),
    lasts: awhile,
    heal: ({ servers }) => servers.kafka.restart(),
  },
  {
    name: 'Keycloak away for longer than a token lives',
    mayAnswer: ['identity_unavailable'],
    strike: ({ servers }) => servers.keycloak.kill(),
    lasts: () => setTimeout(1.2 * TOKEN_LIFE_S * 1_000),
    heal: ({ servers }) => servers.keycloak.start(),
  },
  {
    name: 'PostgreSQL stopped and started again',
    mayAnswer: ['database_unavailable'],
    strike: ({ servers }) => servers.stopPostgres(),
    lasts: () => setTimeout(2_000),
    heal: ({ servers }) => servers.startPostgres(),
  },
  {
    name: 'a replica killed, and started again',
    mayAnswer: ['0', '502'],
    strike: ({ replicas }) => replicas[0]?.kill(),
    lasts: awhile,
    heal: ({ replicas }) => replicas[0]?.start(),
  },
  {
    name: 'a replica stopped in its own time, and started again',
    mayAnswer: [],
    async strike({ replicas }) {
      if ((await replicas[0]?.stop()) !== 0) throw new Error('the replica did not stop cleanly');
    },
    lasts: () => setTimeout(1_000),
    heal: ({ replicas }) => replicas[0]?.start(),
  },
];

/** The networks to the servers, and how requests may fail without each. */
const NETWORKS: readonly {
  to: string;
  mayAnswer: readonly string[];
  cutMs?: number;
  of: (stack: Stack) => readonly Link[];
}[] = [
  {
    to: 'PostgreSQL',
    mayAnswer: ['database_unavailable'],
    cutMs: LONG_MS,
    of: ({ servers }) => [servers.links.postgres],
  },
  { to: 'Redis', mayAnswer: [], of: ({ servers }) => servers.links.redis },
  { to: 'Kafka', mayAnswer: [], of: ({ servers }) => [servers.links.kafka] },
  { to: 'Keycloak', mayAnswer: ['identity_unavailable'], of: ({ servers }) => [servers.links.keycloak] },
  { to: 'the seating services', mayAnswer: ['seating_unavailable'], of: ({ seating }) => [seating] },
  { to: 'Stripe', mayAnswer: ['payments_unavailable'], cutMs: LONG_MS, of: ({ stripe }) => [stripe] },
];

/** Networks that are slow or cut. */
export const SPOILT: readonly Fault[] = NETWORKS.flatMap(({ to, mayAnswer, cutMs = FOR_MS, of }) => {
  const heal = (stack: Stack) => {
    for (const link of of(stack)) link.heal();
  };
  return [
    {
      name: `the network to ${to} slower by ${SLOW_MS} ms each way`,
      mayAnswer: [],
      strike(stack: Stack) {
        for (const link of of(stack)) link.slow(SLOW_MS);
      },
      lasts: () => setTimeout(SLOW_FOR_MS),
      heal,
    },
    {
      name: `the network to ${to} cut, and nobody told`,
      mayAnswer,
      strike(stack: Stack) {
        for (const link of of(stack)) link.silence();
      },
      lasts: () => setTimeout(cutMs),
      heal,
    },
  ];
});
