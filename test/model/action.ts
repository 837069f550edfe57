import type { AsyncCommand } from 'fast-check';
import { expect } from 'vitest';
import { agree } from './agreement.ts';
import type { Sale } from './sale.ts';
import { type Answer, BUYERS, type World } from './world.ts';

/** Something that a user does, or that happens. */
export interface Action {
  readonly name: string;
  /** Whether there is anything to do it with. */
  isPossible(sale: Sale): boolean;
  /**
   * Predicts the outcome before the action: the model moves to its state afterwards. Orders with more than
   * one right outcome become open.
   */
  foresee(sale: Sale): Foreseen;
  /** Performs it; undefined when it has no answer. */
  act(world: World, sale: Sale): Promise<Answer | undefined>;
  /** What the answer reveals, whether or not it was predicted. */
  learn?(answer: Answer, sale: Sale, world: World): void;
}

export interface Foreseen {
  /** The right answers, such as `201` or `409 seats_taken`. */
  readonly answers: readonly string[];
  readonly check?: (answer: Answer) => void;
  /** Performs it, where the request depends on the state before the model moved. */
  readonly act?: (world: World) => Promise<Answer | undefined>;
}

/** Something that happens outside of the service, so that nothing is answered and nothing in the model changes. */
export function happening(
  name: string,
  isPossible: Action['isPossible'],
  happens: (world: World, sale: Sale) => Promise<unknown>,
): Action {
  return {
    name,
    isPossible,
    foresee: () => SILENT,
    async act(world, sale) {
      await happens(world, sale);
      return undefined;
    },
  };
}

/** An action without an answer. */
export const SILENT: Foreseen = { answers: [] };

export function refused(...answers: string[]): Foreseen {
  return { answers };
}

const SERVER_ERROR = 500;

export function inWords({ status, code }: Pick<Answer, 'status' | 'code'>): string {
  return code === '' ? String(status) : `${status} ${code}`;
}

/** One action, whose answer and effect must be exactly as predicted. */
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

/** Compares the model with the stored state, and continues from the stored state. */
export async function look(sale: Sale, world: World): Promise<void> {
  agree(sale, await world.observe(), (userId) => buyerOf(userId, world));
}

function buyerOf(userId: string, world: World): number {
  for (let buyer = 0; buyer < BUYERS; buyer += 1) if (world.userId(buyer) === userId) return buyer;
  throw new Error(`an order of an unknown user: ${userId}`);
}

/** Opens every order: the stored state must be within the transitions, not at one place. */
export function openAll(sale: Sale): void {
  for (const orderId of sale.orders.keys()) sale.open.add(orderId);
}

/** An answer that is only partly predictable: it must not be a failure of the service. */
export function learnLoosely(action: Action, answer: Answer | undefined, sale: Sale, world: World): void {
  if (!answer) return;
  expect(answer.status, `${action.name} answered ${answer.text}`).toBeLessThan(SERVER_ERROR);
  action.learn?.(answer, sale, world);
}

export type Command = AsyncCommand<Sale, World>;

/** The number of performed commands, by the first word of their names. */
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
