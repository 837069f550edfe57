import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { close, listen } from '../servers.ts';

/** Where a request goes: to these in turn, and to the next one when a port is closed. */
type Route = () => readonly URL[];

const BAD_GATEWAY = 502;

/** The single address in front of a platform, with paths that lead to its services, and to each replica in turn. */
export async function openFrontDoor(routes: Readonly<Record<string, Route>>) {
  const agent = new Agent({ keepAlive: true });
  const prefixes = Object.keys(routes).toSorted((a, b) => b.length - a.length);
  let turn = 0;
  const server = createServer(async (incoming, answer) => {
    const body = await buffer(incoming).catch(() => undefined);
    if (!body) return;
    const prefix = prefixes.find((each) => incoming.url?.startsWith(each));
    const targets = prefix === undefined ? [] : (routes[prefix]?.() ?? []);
    turn += 1;
    const first = targets.length === 0 ? 0 : turn % targets.length;
    pass(agent, [...targets.slice(first), ...targets.slice(0, first)], { incoming, body }, answer);
  });
  const url = await listen(server);
  return {
    url,
    async close() {
      agent.destroy();
      await close(server);
    },
  };
}

function pass(
  agent: Agent,
  [target, ...others]: readonly URL[],
  asked: { readonly incoming: IncomingMessage; readonly body: Buffer },
  answer: ServerResponse,
): void {
  if (!target) return void answer.writeHead(BAD_GATEWAY).end();
  const { method, url, headers } = asked.incoming;
  const outgoing = request(
    { agent, host: target.hostname, port: target.port, path: url, method, headers: { ...headers, host: target.host } },
    (came) => {
      answer.writeHead(came.statusCode ?? BAD_GATEWAY, came.headers);
      came.pipe(answer);
      came.on('error', () => answer.destroy());
    },
  );
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    // A request is retried only if nothing was sent: a connection that broke later may have been served.
    if (error.code === 'ECONNREFUSED') return pass(agent, others, asked, answer);
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(BAD_GATEWAY).end();
  });
  answer.on('close', () => outgoing.destroy());
  outgoing.end(asked.body);
}
