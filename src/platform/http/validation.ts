import { Ajv, type ErrorObject } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import type { TSchema } from 'typebox';
import { AppError, type FieldError } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/ids.ts';
import { isPlainText, PLAIN_TEXT } from './schemas.ts';

const OPTIONS = { allErrors: false, strict: false, useDefaults: true, removeAdditional: false, verbose: false };

/** For bodies: `"7"` is not a number. */
const exact = withFormats(new Ajv({ ...OPTIONS, coerceTypes: false }));
/** For paths and queries, which are text: `limit=7` is a number. */
const coercing = withFormats(new Ajv({ ...OPTIONS, coerceTypes: true }));

function withFormats(ajv: Ajv): Ajv {
  // The package's own `uuid` also allows `urn:uuid:`, which PostgreSQL refuses.
  return addFormats.default(ajv).addFormat(PLAIN_TEXT.format, isPlainText).addFormat('uuid', isUuid);
}

/** Compiles the schema of one part of a request. The OpenAPI document is generated from the same schemas. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? exact : coercing).compile(schema);

/** The error of a request without a body, or with an empty one, to a route that needs a body. */
export function bodyMissing(): AppError {
  return new AppError('invalid_request', 'The request has no body. Send a JSON object in it.', {
    fields: [{ field: 'body', reason: 'is missing' }],
  });
}

/** The error of a request that does not match its schema; it names the fields. */
export function toInvalidRequest(problems: readonly FastifySchemaValidationError[], part: string): AppError {
  const found = problems as readonly ErrorObject[];
  const choice = choiceOf(found, part);
  const fields = choice ? [choice] : found.map((problem) => toFieldError(problem, part));
  const detail = fields.map(({ field, reason }) => `${field}: ${reason}`).join('; ');
  return new AppError('invalid_request', detail, { fields });
}

/** The error of a text that is not one of the allowed constants: one reason that lists them all. */
function choiceOf(problems: readonly ErrorObject[], part: string): FieldError | undefined {
  const [first] = problems;
  const isChoice = problems.every(
    ({ keyword, instancePath }) => ['const', 'anyOf'].includes(keyword) && instancePath === first?.instancePath,
  );
  if (!first || !isChoice) return undefined;
  const allowed = problems.flatMap(({ keyword, params }) => (keyword === 'const' ? [params.allowedValue] : []));
  return { field: `${part}${first.instancePath}`, reason: `must be one of ${allowed.join(', ')}` };
}

function toFieldError(problem: ErrorObject, part: string): FieldError {
  const missing: unknown = problem.params.missingProperty;
  const path = `${part}${problem.instancePath}`;
  if (typeof missing === 'string') return { field: `${path}/${missing}`, reason: 'is missing' };
  const isForm = problem.keyword === 'pattern' || problem.params.format === PLAIN_TEXT.format;
  if (isForm) return { field: path, reason: 'has a form that is not allowed' };
  return { field: path, reason: problem.message ?? 'is not valid' };
}
