import type { FastifyBaseLogger } from 'fastify';
import { LRUCache } from 'lru-cache';
import { type Clock, type Instant, later, MS_PER_MINUTE } from '../../kernel/clock.ts';
import type { UserId } from '../../kernel/ids.ts';

const MAX_USERS = 10_000;

export interface RefusalLogNeeds {
  readonly clock: Clock;
  readonly level: 'info' | 'warn';
  readonly message: string;
  /** Lines a minute about one user. Anybody who is signed in can cause them. */
  readonly maxLinesAMinute: number;
  /** Counts every refusal, unless something else does. */
  readonly count?: (code: string, refusals: number) => void;
}

interface Minute {
  readonly startedAt: Instant;
  readonly lines: number;
  readonly unlogged: Readonly<Record<string, number>>;
}

/**
 * Logs what users are refused, as numbers by code. Beyond some lines a minute about one user the refusals are only counted,
 * and the user's first line after that minute has them.
 */
export class RefusalLog {
  readonly #needs: RefusalLogNeeds;
  readonly #users = new LRUCache<UserId, Minute>({ max: MAX_USERS });

  constructor(needs: RefusalLogNeeds) {
    this.#needs = needs;
  }

  /** `facts` are logged beside the numbers, those of the refusal that makes the line. */
  note(
    log: Pick<FastifyBaseLogger, 'info' | 'warn'>,
    userId: UserId,
    refused: Readonly<Record<string, number>>,
    facts: Readonly<Record<string, string>> = {},
  ): void {
    if (Object.keys(refused).length === 0) return;
    const { clock, level, message, maxLinesAMinute, count } = this.#needs;
    const now = clock.now();
    const before = this.#users.get(userId) ?? { startedAt: now, lines: 0, unlogged: {} };
    const isOver = now >= later(before.startedAt, MS_PER_MINUTE);
    const { startedAt, lines } = isOver ? { startedAt: now, lines: 0 } : before;
    const all = { ...before.unlogged };
    for (const [code, refusals] of Object.entries(refused)) {
      count?.(code, refusals);
      all[code] = (all[code] ?? 0) + refusals;
    }
    const isLogged = lines < maxLinesAMinute;
    if (isLogged) log[level]({ refused: all, userId, ...facts }, message);
    this.#users.set(userId, { startedAt, lines: isLogged ? lines + 1 : lines, unlogged: isLogged ? {} : all });
  }
}
