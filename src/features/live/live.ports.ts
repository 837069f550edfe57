/** Port: where the frames of a stream go, which is one open response. */
export interface EventSink {
  write(frames: string | Buffer): void;
  /** How much of what was written its reader has not taken yet. */
  bufferedBytes(): number;
  /** Resolves when the reader has taken all of it, or is gone. */
  drained(): Promise<void>;
  /** Ends the response after what was written. */
  end(): void;
  /** Cuts the connection at once; what was written and not taken is forgotten. */
  cut(): void;
}

/**
 * Port: tells every replica that the feed of sales has grown (a channel of Redis, or PostgreSQL's NOTIFY). It may be
 * lost: whoever listens also looks by himself now and then.
 */
export interface SalesSignal {
  send(): Promise<void>;
  /** A turn at listening: connects where it is not, and may say that it could not. Call it again after a while. */
  listen(): Promise<boolean>;
  close(): Promise<void>;
}
