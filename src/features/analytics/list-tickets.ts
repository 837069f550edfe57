import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { type Ticket, toWireTicket, type WireTicket } from '../tickets/index.ts';
import type { LongAnswers, Parts } from './long-answers.ts';
import { firstTicketsOfSession, ticketsOfSession } from './orders-list.store.ts';

/** A short list as JSON, or a long one as parts of JSON text. */
export type SessionTickets =
  | { readonly size: 'few'; readonly tickets: WireTicket[] }
  | { readonly size: 'many'; readonly parts: Parts<string> };

/** Longer lists are streamed. */
const FEW_TICKETS = 2_000;

/** Lists the tickets of a session. */
export class ListTickets {
  readonly #database: Database;
  readonly #access: Access;
  readonly #longAnswers: LongAnswers;

  constructor(database: Database, access: Access, longAnswers: LongAnswers) {
    this.#database = database;
    this.#access = access;
    this.#longAnswers = longAnswers;
  }

  /**
   * The good tickets of completed orders, newest first; for the session's organiser and administrators. Throws
   * `forbidden`, `seating_unavailable`, and for long lists `exports_busy`, `export_under_way`.
   */
  async list(sessionId: SessionId, who: Principal): Promise<SessionTickets> {
    await this.#access.require('analytics.session', who, { session: sessionId });
    const tickets = await firstTicketsOfSession(this.#database, sessionId, FEW_TICKETS + 1);
    const { currency } = this.#database;
    const toJson = (ticket: Ticket) => toWireTicket(ticket, currency);
    if (tickets.length <= FEW_TICKETS) return { size: 'few', tickets: tickets.map(toJson) };
    const parts = await this.#longAnswers.open(
      who.userId,
      () => ticketsOfSession(this.#database, sessionId),
      (batches) => asText(batches, toJson),
    );
    return { size: 'many', parts };
  }
}

async function* asText(
  batches: AsyncIterable<readonly Ticket[]>,
  toJson: (ticket: Ticket) => WireTicket,
): AsyncGenerator<string, void, void> {
  let before = '[';
  for await (const tickets of batches) {
    yield before + tickets.map((ticket) => JSON.stringify(toJson(ticket))).join(',');
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}
