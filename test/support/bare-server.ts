import { type Logger, pino } from 'pino';
import { ERRORS } from '../../src/app/errors.ts';
import { bind } from '../../src/platform/http/listener.ts';
import { createHttpServer } from '../../src/platform/http/server.ts';

/** The HTTP server without routes; `open` makes it answer, once those of the test are added. */
export async function bareServer(log: Logger = pino({ level: 'silent' }), starting?: Parameters<typeof bind>[2]) {
  const listener = await bind(0, '127.0.0.1', starting);
  const { app, open } = createHttpServer({
    errors: ERRORS,
    onProblem: () => undefined,
    server: listener.server,
    log,
    requestId: () => 'request-1',
  });
  return { app, open, listener, url: `http://127.0.0.1:${listener.port}` };
}
