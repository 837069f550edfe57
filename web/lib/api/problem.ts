/** A refusal of the service: an RFC 9457 problem document. `code` is stable and listed in docs/errors.md. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  /** Everything else that the document says, such as `seats`. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Seconds after which a retry helps, from `Retry-After`; undefined: the service named none. */
  readonly retryAfterS: number | undefined;

  constructor(status: number, document: Readonly<Record<string, unknown>>, retryAfterS: number | undefined) {
    super(typeof document.detail === 'string' ? document.detail : `The service answered ${status}.`);
    this.name = 'Problem';
    this.code = typeof document.code === 'string' ? document.code : 'unknown';
    this.status = status;
    this.facts = document;
    this.retryAfterS = retryAfterS;
  }
}

/** No answer came: the network is away, or the service did not answer in time. Whether the request had an effect is unknown. */
export class NoAnswer extends Error {
  constructor(cause: unknown) {
    super('No answer came from the service.', { cause });
    this.name = 'NoAnswer';
  }
}

/** The refusal of an answer that is not 2xx. */
export async function problemOf(response: Response): Promise<Problem> {
  const document: unknown = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const facts = typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {};
  return new Problem(response.status, facts, Number.isFinite(seconds) ? seconds : undefined);
}
