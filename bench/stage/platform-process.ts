/**
 * The platform around the service, in its own process: the token issuer and both seating services. They accept every seat
 * at one price (second argument, major units) after a delay (third argument, milliseconds) and grant every role. Prints its
 * address, a token for each buyer (number: first argument) and an empty line. Exits when its input ends.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const ALGORITHM = 'RS256';
const KEY_ID = 'bench';
const REALM = '/realms/event-ticketing';
const LIFE_S = 7_200;
const price = Number(process.argv[3] ?? '100');
const delayMs = Number(process.argv[4] ?? '0');
const tier = { id: '33333333-3333-4333-8333-333333333333', name: 'VIP', price, color: '#FFD700' };

const { privateKey, publicKey } = await generateKeyPair(ALGORITHM);
const keys = JSON.stringify({
  keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: ALGORITHM, use: 'sig' }],
});

function sign(sub: string, claims: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT({ typ: 'Bearer', ...claims })
    .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID })
    .setIssuer(url + REALM)
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime(`${LIFE_S}s`)
    .sign(privateKey);
}

/** As cheap as possible, because the measured service shares the processor. */
function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((done) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => done(body));
  });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '';
  response.setHeader('content-type', 'application/json');
  if (path.endsWith('/certs')) return void response.end(keys);
  if (path.endsWith('/token')) {
    const token = await sign(randomUUID(), { scope: 'internal-api' });
    return void response.end(JSON.stringify({ access_token: token, expires_in: LIFE_S, token_type: 'Bearer' }));
  }
  if (path.includes('/verify-')) return void response.end('true');
  if (!path.endsWith('/validate-pre-order')) return void response.writeHead(404).end('{}');
  if (path.startsWith('/seating')) return void response.end();
  const body = await bodyOf(request);
  const { seat_ids: seatIds } = JSON.parse(body) as { seat_ids: string[] };
  const seats = seatIds.map((seatId) => ({ seatId, label: seatId.slice(0, 4), tier }));
  response.end(JSON.stringify({ seats, discount: null }));
}

const server = createServer((request, response) => {
  if (delayMs > 0) setTimeout(answer, delayMs, request, response);
  else void answer(request, response);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as { port: number };
const url = `http://127.0.0.1:${port}`;
const tokens: string[] = [];
for (let buyer = 0; buyer < Number(process.argv[2]); buyer += 1) tokens.push(await sign(randomUUID()));
process.stdout.write(`${url}\n${tokens.join('\n')}\n\n`);
process.stdin.resume().on('end', () => process.exit(0));
