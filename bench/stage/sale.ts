import { runChild } from './child.ts';

export interface Sale {
  readonly url: string;
  /** One for each buyer. */
  readonly tokens: readonly string[];
  /** Seats that are asked for together. */
  readonly pairs: readonly (readonly string[])[];
  /** How many pairs a buyer asks for before he gives up. */
  readonly tries: number;
  /** Of so many who have seats one pays. */
  readonly onePaysIn: number;
}

/** When, in milliseconds since all came. */
export interface Sold {
  lastSoldMs: number;
  readonly winners: number[];
  readonly losers: number[];
  readonly paid: number[];
  /** Answers that said to come again. */
  shed: number;
  errors: number;
}

/** Opens a sale to its buyers, who are a process of their own. Throws when that process fails. */
export const openSale = (sale: Sale): Promise<Sold> => runChild('bench/stage/sale-process.ts', sale);
