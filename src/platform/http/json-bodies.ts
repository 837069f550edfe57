import type { FastifyRequest } from 'fastify';
import { AppError } from '../../kernel/errors.ts';
import type { HttpServer } from './server.ts';

/** Objects and lists within each other; what walks or writes more of them may use up the stack. */
const MAX_LEVELS = 32;
const TOO_DEEP = `The body has more than ${MAX_LEVELS} objects or lists within each other. Send a flatter one.`;

/**
 * Accepts bodies of the content type `application/json` only. An empty or blank body counts as no body, whatever its content
 * type: the platform's front end sends `application/json` with every call, also without a body. Of a member that is given
 * twice the last counts, as everywhere in JavaScript; `__proto__` is refused.
 */
export function takeJsonBodies(app: HttpServer): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (isBlank(body)) done(null, undefined);
    else if (isTooDeep(body)) done(new AppError('invalid_request', TOO_DEEP));
    else parse(request, body, done);
  });
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (request, body, done) => {
    if (isBlank(body)) done(null, undefined);
    else done(notJson(request));
  });
}

function isBlank(body: string): boolean {
  return body.trim() === '';
}

/** Counts brackets outside of texts, before anything is built of the body. */
function isTooDeep(json: string): boolean {
  let levels = 0;
  let isInText = false;
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '"') isInText = !isInText;
    else if (isInText && character === '\\') at += 1;
    else if (!isInText && (character === '{' || character === '[')) levels += 1;
    else if (!isInText && (character === '}' || character === ']')) levels -= 1;
    if (levels > MAX_LEVELS) return true;
  }
  return false;
}

function notJson({ headers }: FastifyRequest): AppError {
  const given = headers['content-type'] === undefined ? 'without a content type' : 'with another content type';
  return new AppError(
    'unsupported_media_type',
    `The body came ${given}. Send JSON with the header Content-Type: application/json.`,
  );
}
