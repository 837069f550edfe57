import type { EventHandler } from '../kernel/events.ts';
import type { Currency } from '../kernel/money.ts';
import type { HttpServer } from './http/server.ts';
import type { Statement } from './postgres/database.ts';

/** The parts of a feature. `app.ts` lists the features and runs their parts. */
export interface Feature {
  /** Adds its routes to the API, each with its permission. */
  routes?(api: HttpServer): void;
  /** Adds pages and files for browsers, which need no access token. */
  pages?(site: HttpServer): void;
  readonly jobs?: readonly Job[];
  readonly consumers?: readonly Consumer[];
  /** Ends what has no end of its own, such as event streams, when the process begins to stop. */
  stop?(): void;
}

/** Repeated background work: at least every `everyMs`, and whenever its bell rings. */
export interface Job {
  /** Its name in logs, traces and `core.bell`. */
  readonly name: string;
  readonly everyMs: number;
  /** Does a bounded amount of work; resolves true when there may be more to do at once. */
  turn(): Promise<boolean>;
}

/** Handles the messages of a topic. A message may be delivered any number of times. */
export interface Consumer {
  readonly topic: string;
  readonly handle: EventHandler;
}

/** One check of `npm run verify`: a read-only query for rows that break an invariant of the design. */
export interface Check {
  /** Its number in the design. */
  readonly invariant: `I${number}`;
  /** What is wrong with the rows found, for an operator. */
  readonly finding: string;
  /** Returns `subject`, the id concerned, for each row. */
  readonly statement: Statement;
  /** The statement's parameters, for the service's currency. */
  readonly values: (currency: Currency) => readonly unknown[];
  /** True for work that a running service does within seconds; it is not a finding while no service runs. */
  readonly isServiceWork: boolean;
}
