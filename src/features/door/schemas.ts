import { Type } from 'typebox';
import { PLAIN_TEXT, Uuid } from '../../platform/http/schemas.ts';
import { TICKET_EXAMPLE, TicketSchema } from '../tickets/index.ts';

/** Far longer than any of our texts, and short enough to refuse cheaply. */
const MAX_QR_TEXT_CHARS = 2_048;
const MAX_NAME_CHARS = 64;
const MIN_NONCE_CHARS = 8;
const MAX_SCANS = 1_000;
const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;
const MAX_VERSION_CHARS = 64;

const SESSION = '293bed3f-c670-42f6-9e28-628cd6fec57a';
const ADMITTED_AT = '2026-11-24T19:03:16.954Z';

const name = (description: string) =>
  Type.String({ minLength: 1, maxLength: MAX_NAME_CHARS, ...PLAIN_TEXT, description });
const nonce = Type.String({
  minLength: MIN_NONCE_CHARS,
  maxLength: MAX_NAME_CHARS,
  pattern: '^[\\x21-\\x7e]*$',
  description: 'Identifies this scan on its device, a UUID. A repeated nonce gets the first answer again',
});
const direction = Type.Union([Type.Literal('entry'), Type.Literal('exit')], {
  description: '`entry` by default; `exit` if the session allows re-entry',
});

/** Plain text with the line ends and tabs that scanners add. */
const QR_TEXT = { ...PLAIN_TEXT, pattern: '^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$' } as const;

const SCAN = {
  encrypted_qr: Type.String({
    minLength: 1,
    maxLength: MAX_QR_TEXT_CHARS,
    ...QR_TEXT,
    description: 'Text of the QR code; white space around it, line ends and lower case do not matter',
  }),
  session_id: Type.Optional(Uuid('Session of this door; tickets of other sessions are refused')),
  gate: Type.Optional(name('Gate of the scan, shown if the ticket is scanned again')),
  device_id: Type.Optional(name('Device that scanned')),
  direction: Type.Optional(direction),
};

export const CheckInRequestSchema = Type.Object(
  { ...SCAN, nonce: Type.Optional(nonce) },
  { examples: [{ encrypted_qr: '6BF...', gate: 'North', device_id: 'scanner-7' }] },
);

export const CheckInResponseSchema = Type.Object(
  {
    message: Type.String(),
    outcome: Type.Union([Type.Literal('admitted'), Type.Literal('left')]),
    seat: Type.String({ description: 'Label of the seat' }),
    tier: Type.String(),
    note: Type.String({ description: 'The organiser’s note about the holder; empty if none' }),
    ticket: TicketSchema,
  },
  {
    examples: [
      {
        message: 'Welcome: seat A12, VIP.',
        outcome: 'admitted',
        seat: 'A12',
        tier: 'VIP',
        note: 'Comes with a wheelchair',
        ticket: { ...TICKET_EXAMPLE, checked_in: true, checked_in_time: ADMITTED_AT },
      },
    ],
  },
);

/** One scan of a batch. Each is validated on its own, so an invalid scan does not affect the others. */
export const OfflineScanSchema = Type.Object({
  ...SCAN,
  nonce,
  scanned_at: Type.String({
    format: 'date-time',
    maxLength: MAX_NAME_CHARS,
    description: 'Time of the scan by the device’s clock',
  }),
});

const OFFLINE_EXAMPLE = {
  encrypted_qr: '6BF...',
  nonce: '5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11',
  scanned_at: ADMITTED_AT,
  device_id: 'scanner-7',
  gate: 'North',
};

export const BatchRequestSchema = Type.Object(
  {
    scans: Type.Array(Type.Unknown(), {
      minItems: 1,
      maxItems: MAX_SCANS,
      description:
        'Each is `{encrypted_qr, nonce, scanned_at, device_id?, gate?, session_id?, direction?}`, in any order and any ' +
        'number of times. An invalid scan is refused alone.',
    }),
  },
  { examples: [{ scans: [OFFLINE_EXAMPLE] }] },
);

const AdmissionSchema = Type.Object({
  at: Type.String({ description: 'RFC 3339 in UTC' }),
  gate: Type.String({ description: 'Empty if the scanner named no gate' }),
  device_id: Type.String(),
});

export const BatchResponseSchema = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        nonce: Type.String({ description: 'Nonce of the scan at the same index; empty if it had no usable one' }),
        outcome: Type.Union(
          [Type.Literal('admitted'), Type.Literal('left'), Type.Literal('conflict'), Type.Literal('refused')],
          { description: '`conflict` means that another device admitted this ticket' },
        ),
        code: Type.Optional(Type.String({ description: 'Error code of a refusal; see docs/errors.md' })),
        refusal: Type.Optional(Type.String({ description: 'Short word for the code, for a screen' })),
        detail: Type.Optional(Type.String()),
        retry: Type.Optional(Type.Boolean({ description: 'Whether sending this scan again can help' })),
        ticket_id: Type.Optional(Uuid('The ticket')),
        seat: Type.Optional(Type.String()),
        tier: Type.Optional(Type.String()),
        first: Type.Optional(AdmissionSchema),
      }),
    ),
  },
  {
    examples: [
      {
        results: [
          {
            nonce: OFFLINE_EXAMPLE.nonce,
            outcome: 'conflict',
            code: 'already_checked_in',
            refusal: 'already_checked_in',
            detail: `Already checked in at ${ADMITTED_AT}, gate South. Do not admit again.`,
            retry: false,
            ticket_id: TICKET_EXAMPLE.ticket_id,
            first: { at: ADMITTED_AT, gate: 'South', device_id: 'scanner-2' },
          },
        ],
      },
    ],
  },
);

export const SessionParamsSchema = Type.Object({ sessionId: Uuid('The session', SESSION) });

export const BundleQuerySchema = Type.Object({
  since: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_VERSION_CHARS,
      description: '`version` of the bundle at hand: only what changed since, or everything when that is unknown',
    }),
  ),
});

export const BundleSchema = Type.Object(
  {
    session_id: Uuid('The session', SESSION),
    version: Type.String({ description: 'For `since`' }),
    is_complete: Type.Boolean({ description: 'False: `tickets` replaces those of the same id in the bundle at hand' }),
    keys: Type.Array(
      Type.Object({
        key_id: Type.Integer(),
        public_key: Type.String({ description: 'Ed25519, base64url' }),
        sealing_key: Type.String({ description: 'AES-256-GCM of this session, base64url' }),
      }),
    ),
    starts_at: Type.String({ description: 'RFC 3339 in UTC; empty: not known' }),
    ends_at: Type.String({ description: 'RFC 3339 in UTC; empty: not known' }),
    allows_reentry: Type.Boolean(),
    tickets: Type.Array(Type.Array(Type.String()), {
      description:
        '`[ticket id, seat, tier, state]`; state: `valid`, `inside`, `left`, `void`. A fifth is the hash of a code that ' +
        'the earlier service sold for it and that still admits: the first 16 bytes of SHA-256 of its text without ' +
        'padding, base64url',
    }),
  },
  {
    examples: [
      {
        session_id: SESSION,
        version: '7412345678901234567.1.90817.293bed3f',
        is_complete: true,
        keys: [{ key_id: 7, public_key: 'mYqK...', sealing_key: 'Zk3v...' }],
        starts_at: '2026-11-24T19:00:00.000Z',
        ends_at: '2026-11-24T22:00:00.000Z',
        allows_reentry: false,
        tickets: [[TICKET_EXAMPLE.ticket_id, 'A12', 'VIP', 'valid']],
      },
    ],
  },
);

export const DoorSettingsSchema = Type.Object(
  { allows_reentry: Type.Boolean({ description: 'Whether a scan at the exit lets the bearer come in again' }) },
  { examples: [{ allows_reentry: true }] },
);

export const ConflictsQuerySchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
  before: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: '`scan_id` of the last one of the page before',
    }),
  ),
});

export const ConflictsSchema = Type.Array(
  Type.Object(
    {
      scan_id: Type.Integer({ description: 'Grows with time' }),
      ticket_id: Uuid('The ticket'),
      seat: Type.String(),
      tier: Type.String(),
      direction,
      code: Type.String({ description: 'Why it would not have been let in; see docs/errors.md' }),
      scanned_at: Type.String({ description: 'By the device’s clock, RFC 3339 in UTC' }),
      received_at: Type.String({ description: 'RFC 3339 in UTC' }),
      scanned_by: Uuid('The scanner'),
      gate: Type.String(),
      device_id: Type.String(),
      nonce: Type.String(),
      first: Type.Union([AdmissionSchema, Type.Null()], { description: 'The admission it is in conflict with' }),
    },
    {
      examples: [
        {
          scan_id: 4711,
          ticket_id: TICKET_EXAMPLE.ticket_id,
          seat: 'A12',
          tier: 'VIP',
          direction: 'entry',
          code: 'already_checked_in',
          scanned_at: ADMITTED_AT,
          received_at: '2026-11-24T19:20:00.000Z',
          scanned_by: 'aa59a6f4-b86c-4fdf-8440-3cb190b40159',
          gate: 'North',
          device_id: 'scanner-7',
          nonce: OFFLINE_EXAMPLE.nonce,
          first: { at: ADMITTED_AT, gate: 'South', device_id: 'scanner-2' },
        },
      ],
    },
  ),
);
