/**
 * Port: notifies every replica that the feed of sales has grown, by a channel of Redis or PostgreSQL's NOTIFY. A signal may be
 * lost, so listeners also poll.
 */
export interface SalesSignal {
  send(): Promise<void>;
  /** A turn of listening: connects if necessary, and rejects when that fails. Call it again after a while. */
  listen(): Promise<boolean>;
  close(): Promise<void>;
}

/** A replica's subscription to a signal. */
export interface Subscription {
  /** Letters and underscores. */
  readonly channel: string;
  /** Called for each signal, and when listening begins, because earlier signals may have been missed. */
  readonly onSignal: () => void;
  /** Called when the connection is lost; `listen` makes a new one. */
  readonly onLost: () => void;
}
