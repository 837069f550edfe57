import type { EventHandler } from '../kernel/events.ts';
import type { Currency } from '../kernel/money.ts';
import type { HttpServer } from './http/server.ts';
import type { Statement } from './postgres/database.ts';

/** What a feature brings into the service; `app.ts` lists the features and runs what they bring. */
export interface Feature {
  /** Adds its routes to the API, each with its permission. */
  routes?(api: HttpServer): void;
  readonly jobs?: readonly Job[];
  readonly consumers?: readonly Consumer[];
  /** Ends what has no end of its own, such as event streams, when the process begins to stop. */
  stop?(): void;
  readonly checks?: readonly Check[];
}

/** Background work that is repeated: at least each `everyMs`, and when its bell rings. */
export interface Job {
  /** Names it in logs, traces and `core.bell`. */
  readonly name: string;
  readonly everyMs: number;
  /** Does a bounded amount of work; resolves true when there may be more to do at once. */
  turn(): Promise<boolean>;
}

/** Handles the messages of a topic. It may be given a message any number of times. */
export interface Consumer {
  readonly topic: string;
  readonly handle: EventHandler;
}

/** A part of `npm run verify`: a query for rows that break an invariant of the design. It only reads. */
export interface Check {
  /** Its number in the design. */
  readonly invariant: `I${number}`;
  /** What is wrong with a row that is found, in words for an operator. */
  readonly finding: string;
  /** Gives `subject`, an id to look at, for each such row. */
  readonly statement: Statement;
  /** The statement's parameters, for the service's currency. */
  readonly values: (currency: Currency) => readonly unknown[];
  /** Work that a running service does by itself within seconds; while none runs it is no error. */
  readonly isServiceWork: boolean;
}
