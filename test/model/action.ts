import type { AsyncCommand } from 'fast-check';
import { expect } from 'vitest';
import { agree } from './agreement.ts';
import type { Sale } from './sale.ts';
import { type Answer, BUYERS, type World } from './world.ts';

/** Something that somebody does, or that happens. */
export interface Action {
  readonly name: string;
  /** Whether there is anything to do it with. */
  isPossible(sale: Sale): boolean;
  /**
   * What must come of it, said before it is done: the model becomes what it is to be afterwards. Orders of which more
   * than one outcome is right become open.
   */
  foresee(sale: Sale): Foreseen;
  /** Does it. Undefined when nobody is answered. */
  act(world: World, sale: Sale): Promise<Answer | undefined>;
  /** What is known from the answer on, however it came to be. */
  learn?(answer: Answer, sale: Sale, world: World): void;
}

export interface Foreseen {
  /** Answers that are right: `201`, or `409 seats_taken`. */
  readonly answers: readonly string[];
  readonly check?: (answer: Answer) => void;
  /** Does it, where what is done depends on how things were before the model moved on. */
  readonly act?: (world: World) => Promise<Answer | undefined>;
}

/** Nobody is answered. */
export const SILENT: Foreseen = { answers: [] };

export function refused(...answers: string[]): Foreseen {
  return { answers };
}

const SERVER_ERROR = 500;

export function inWords({ status, code }: Answer): string {
  return code === '' ? String(status) : `${status} ${code}`;
}

/** One action, its answer and its effect exactly as foreseen. */
export async function perform(action: Action, sale: Sale, world: World): Promise<void> {
  const { answers, check, act } = action.foresee(sale);
  const answer = await (act ? act(world) : action.act(world, sale));
  if (answer) {
    expect(answers, `${action.name} answered ${inWords(answer)}: ${answer.text}`).toContain(inWords(answer));
    action.learn?.(answer, sale, world);
    check?.(answer);
  }
  await look(sale, world);
}

/** Compares with what is stored, and goes on from that. */
export async function look(sale: Sale, world: World): Promise<void> {
  agree(sale, await world.observe(), (userId) => buyerOf(userId, world));
}

function buyerOf(userId: string, world: World): number {
  for (let buyer = 0; buyer < BUYERS; buyer += 1) if (world.userId(buyer) === userId) return buyer;
  throw new Error(`an order of somebody unknown: ${userId}`);
}

/** Every order is open: what is stored must be within the transitions, not at one place. */
export function openAll(sale: Sale): void {
  for (const orderId of sale.orders.keys()) sale.open.add(orderId);
}

/** An answer to something of which only some is foreseen: it is no failure of the service. */
export function learnLoosely(action: Action, answer: Answer | undefined, sale: Sale, world: World): void {
  if (!answer) return;
  expect(answer.status, `${action.name} answered ${answer.text}`).toBeLessThan(SERVER_ERROR);
  action.learn?.(answer, sale, world);
}

export type Command = AsyncCommand<Sale, World>;

/** How many commands were carried out, by the word they begin with. */
export const performed = new Map<string, number>();

export function toCommand(name: string, isPossible: Action['isPossible'], run: Command['run']): Command {
  return {
    check: isPossible,
    async run(sale, world) {
      const kind = name.split(' ', 1)[0] ?? '';
      performed.set(kind, (performed.get(kind) ?? 0) + 1);
      await run(sale, world);
    },
    toString: () => name,
  };
}
