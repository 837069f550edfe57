import { expect, test } from 'vitest';
import { traceRequests } from '../../../src/platform/telemetry/request-tracing.ts';
import type { RequestHeaders, Tracing } from '../../../src/platform/telemetry/tracing.ts';
import { atEnd } from '../../support/at-end.ts';
import { bareServer } from '../../support/bare-server.ts';
import { call } from '../../support/test-app.ts';

const TRACE = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' };

/** The headers from which the span of a request takes its trace, when requests come from 127.0.0.1. */
async function tracedWith(trustedNetworks?: readonly string[]): Promise<RequestHeaders> {
  const seen: RequestHeaders[] = [];
  const tracing: Pick<Tracing, 'request'> = {
    request(_method, headers) {
      seen.push(headers);
      return { run: (work) => work(), end: () => undefined };
    },
  };
  const { app, open, listener, url } = await bareServer();
  traceRequests(app, tracing, trustedNetworks);
  app.get('/', async () => 'answered');
  await app.ready();
  open();
  atEnd(() => listener.close(0));
  expect((await call(url, 'GET', '/', { headers: TRACE })).text).toBe('answered');
  expect(seen).toHaveLength(1);
  return { ...seen[0] };
}

test.each([[undefined], [['127.0.0.2']], [['10.0.0.0/8', '::1']], [['128.0.0.0/1']]])(
  'stranger-trace: the trace of a caller outside of %j is not continued',
  async (networks) => {
    expect(await tracedWith(networks)).toEqual({});
  },
);

test.each([[['127.0.0.1']], [['10.0.0.0/8', '127.0.0.0/8']], [['::ffff:127.0.0.1']]])(
  'the trace of a caller in %j is continued',
  async (networks) => {
    expect(await tracedWith(networks)).toMatchObject(TRACE);
  },
);
