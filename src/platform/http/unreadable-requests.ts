import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, type ErrorCode } from '../../kernel/errors.ts';
import { platformErrors } from '../errors.ts';
import { problemHeaders, toProblem } from './problem.ts';
import { SECURE_HEADERS } from './secure-headers.ts';

type Unreadable = Extract<ErrorCode, 'invalid_request' | 'headers_too_large' | 'request_too_slow'>;

/** The parser's codes: https://nodejs.org/api/http.html#event-clienterror */
const CODES: Readonly<Record<string, readonly [Unreadable, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'The headers of the request are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_too_slow', 'The request did not arrive in time. Send it again.'],
};
const NOT_HTTP: readonly [Unreadable, string] = ['invalid_request', 'The request is not valid HTTP.'];

/** Answers what the parser of HTTP refuses, with a problem document like any other refusal, and ends the connection. */
export function answerUnreadable(cause: NodeJS.ErrnoException, socket: Duplex): void {
  // The answer to an earlier request of the connection may have begun; this one would become a part of it.
  const isAnswering = '_httpMessage' in socket && socket._httpMessage !== null && socket._httpMessage !== undefined;
  if (cause.code !== 'ECONNRESET' && socket.writable && !isAnswering) {
    const [code, detail] = CODES[cause.code ?? ''] ?? NOT_HTTP;
    const facts = platformErrors[code];
    const error = new AppError(code, detail);
    const body = JSON.stringify(toProblem(error, facts));
    const headers = {
      ...SECURE_HEADERS,
      ...problemHeaders(error, facts),
      connection: 'close',
      'content-length': Buffer.byteLength(body),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.write(`HTTP/1.1 ${facts.status} ${STATUS_CODES[facts.status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroy();
}
