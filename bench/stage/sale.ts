import { runChild } from './child.ts';

export interface Sale {
  readonly url: string;
  /** One token for each buyer. */
  readonly tokens: readonly string[];
  /** Seats that are ordered together. */
  readonly pairs: readonly (readonly string[])[];
  /** Maximum number of pairs that a buyer tries. */
  readonly tries: number;
  /** One in this many buyers with seats pays. */
  readonly onePaysIn: number;
}

/** The result of a sale; times are milliseconds since its start. */
export interface Sold {
  lastSoldMs: number;
  readonly winners: number[];
  readonly losers: number[];
  readonly paid: number[];
  /** Answers that asked the buyer to try again. */
  shed: number;
  errors: number;
}

/** Runs the buyers of a sale in their own process. Throws if that process fails. */
export const openSale = (sale: Sale): Promise<Sold> => runChild('bench/stage/sale-process.ts', sale);
