import type { FastifyRequest } from 'fastify';
import { AppError } from '../../kernel/errors.ts';
import type { HttpServer } from './server.ts';

/**
 * Accepts bodies of the content type `application/json` only. An empty or blank body counts as no body, whatever its content
 * type: the platform's front end sends `application/json` with every call, also without a body.
 */
export function takeJsonBodies(app: HttpServer): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (isBlank(body)) done(null, undefined);
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

function notJson({ headers }: FastifyRequest): AppError {
  const given = headers['content-type'] === undefined ? 'without a content type' : 'with another content type';
  return new AppError(
    'unsupported_media_type',
    `The body came ${given}. Send JSON with the header Content-Type: application/json.`,
  );
}
