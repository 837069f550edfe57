import { Type } from 'typebox';

/** A UUID. PostgreSQL and the code compare UUIDs in lower case. */
export const Uuid = (description: string, example = '8d564400-1273-4e3c-9b7d-cc3beccd2b27') =>
  Type.String({ format: 'uuid', description, examples: [example] });

/** Text without control characters and lone surrogates, which databases and logs cannot store. */
export const PLAIN_TEXT = {
  // Client generators cannot read `\\u` or lone surrogates in a pattern, so the format checks those.
  pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]*$',
  format: 'plain-text',
} as const;

/** The check behind the format of `PLAIN_TEXT`. */
export function isPlainText(text: string): boolean {
  return text.isWellFormed();
}

/** Headers of a route that changes something; `once.ts` explains the key. */
export const onceHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        '1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it ' +
        'gets the first answer again; with another request, 422; while the first is being worked on, 409. The order of ' +
        'members in the body does not matter. The last 1,000 answers of a user are kept, and the last 50 refusals.',
      examples: ['5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11'],
    }),
  ),
});

const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Where the code is explained' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What was wrong and what to do' }),
    code: Type.String({ description: 'Stable; see docs/errors.md' }),
    message: Type.String({ description: 'The same as detail' }),
    seat_ids: Type.Optional(Type.Array(Type.String(), { description: 'The seats that are refused' })),
    seats: Type.Optional(
      Type.Array(Type.Object({ seat_id: Type.String(), label: Type.String() }), {
        description: 'Those of them whose label is known',
      }),
    ),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), reason: Type.String() }))),
    checked_in_time: Type.Optional(Type.String({ description: 'When the first check-in was' })),
    checked_in_gate: Type.Optional(Type.String({ description: 'Where the first check-in was, if its scanner said' })),
    refusal: Type.Optional(Type.String({ description: 'Of a refusal at the door: its short word for a screen' })),
  },
  {
    description: 'RFC 9457 problem document',
    examples: [
      {
        type: '/docs/errors#seats_taken',
        title: 'Seats are taken',
        status: 409,
        detail: 'Already taken: A12. Choose other seats.',
        code: 'seats_taken',
        message: 'Already taken: A12. Choose other seats.',
        seat_ids: ['011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0'],
        seats: [{ seat_id: '011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0', label: 'A12' }],
      },
    ],
  },
);

/** The error response that every route has. */
export const problems = {
  default: { description: 'What went wrong', content: { 'application/problem+json': { schema: ProblemSchema } } },
} as const;

/** An answer that is plain text. */
export const plainText = (description: string, example: string) => ({
  description,
  content: { 'text/plain': { schema: Type.String({ examples: [example] }) } },
});
