import { AppError } from '../../kernel/errors.ts';
import type { UserId } from '../../kernel/ids.ts';

/** Few enough that one user's requests leave most connections to the seating services to the others. */
const UNDER_WAY_OF_USER = 8;
const WAITING_OF_USER = 100;

interface Line {
  underWay: number;
  readonly waiting: (() => void)[];
}

/** Bounds the work of each user that asks the seating services outside the queue of new orders; the rest waits in order. */
export class UserTurns {
  readonly #lines = new Map<UserId, Line>();

  /** Does the work when it is its turn. Throws `overloaded` when too much of the user waits already. */
  async take<Result>(userId: UserId, work: () => Promise<Result>): Promise<Result> {
    const line = this.#lines.get(userId) ?? { underWay: 0, waiting: [] };
    this.#lines.set(userId, line);
    if (line.underWay < UNDER_WAY_OF_USER) line.underWay += 1;
    else await wait(line);
    try {
      return await work();
    } finally {
      const next = line.waiting.shift();
      // The turn is handed to the next in line, so the count stays the same.
      if (next) next();
      else line.underWay -= 1;
      if (line.underWay === 0) this.#lines.delete(userId);
    }
  }
}

function wait({ waiting }: Line): Promise<void> {
  if (waiting.length < WAITING_OF_USER) return new Promise((enter) => waiting.push(enter));
  const detail = `${WAITING_OF_USER} of your requests are waiting already. Send fewer at a time.`;
  throw new AppError('overloaded', detail, { retryAfterS: 1 });
}
