/**
 * Port: signals to every replica that the feed of sales has grown (a channel of Redis, or PostgreSQL's NOTIFY). A signal
 * may be lost: listeners also look by themselves now and then.
 */
export interface SalesSignal {
  send(): Promise<void>;
  /** A turn at listening: connects where it is not, and may say that it could not. Call it again after a while. */
  listen(): Promise<boolean>;
  close(): Promise<void>;
}
