import { createServer } from 'node:http';
import {
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { inject } from 'vitest';
import { atEnd } from './at-end.ts';
import { close, listen } from './servers.ts';

export interface TokenOptions {
  readonly expiresIn?: number;
  readonly forged?: boolean;
  readonly kid?: string;
  /** `typ` of the header; none by default. */
  readonly headerType?: string;
}

/** An OIDC issuer whose tokens a test writes itself. */
export interface FakeIssuer {
  readonly url: string;
  readonly issuer: string;
  /** A valid token, except for `claims` and `options`. */
  token(sub: string, claims?: JWTPayload, options?: TokenOptions): Promise<string>;
  /** Signs with a new key from now on; the old one is removed from the JWKS. */
  rotate(): Promise<void>;
  /** Whether it refuses every connection. */
  isUnavailable: boolean;
  /** How many M2M tokens it issued, and how many times its keys were fetched. */
  readonly counts: { tokens: number; keys: number };
  /** Where its keys are, as its discovery document says; unset: at Keycloak's path, without such a document. */
  keysAt: string | undefined;
  /** The lifetime of M2M tokens. */
  m2mLifeS: number;
}

const ALGORITHM = 'RS256';

declare module 'vitest' {
  interface ProvidedContext {
    /** The private key that the first issuer of each test file signs with. */
    readonly issuerKey: JWK;
  }
}

let isKeyTaken = false;

/** Creating an RSA key takes longer than most tests: the first issuer of a file uses the run's, any other one its own. */
async function keyPair(): Promise<GenerateKeyPairResult> {
  if (isKeyTaken) return generateKeyPair(ALGORITHM);
  isKeyTaken = true;
  const { kty, n, e, ...secret } = inject('issuerKey');
  const half = { kty, n, e } as JWK;
  const [publicKey, privateKey] = await Promise.all([
    importJWK(half, ALGORITHM, { extractable: true }),
    importJWK({ ...half, ...secret } as JWK, ALGORITHM),
  ]);
  return { publicKey, privateKey } as GenerateKeyPairResult;
}

export async function startFakeIssuer(): Promise<FakeIssuer> {
  let generation = 0;
  let pair = await keyPair();
  let stranger: GenerateKeyPairResult | undefined;
  const counts = { tokens: 0, keys: 0 };
  const fake = { isUnavailable: false, counts, m2mLifeS: 300, keysAt: undefined as string | undefined };
  const kid = () => `key-${generation}`;

  const server = createServer(async (request, response) => {
    if (fake.isUnavailable) return void request.socket.destroy();
    response.setHeader('content-type', 'application/json');
    if (request.url?.endsWith('/.well-known/openid-configuration')) {
      if (fake.keysAt) return void response.end(JSON.stringify({ issuer, jwks_uri: url + fake.keysAt }));
      return void response.writeHead(404).end('{}');
    }
    if (fake.keysAt ? request.url === fake.keysAt : request.url?.endsWith('/certs')) {
      counts.keys += 1;
      const key = { ...(await exportJWK(pair.publicKey)), kid: kid(), alg: ALGORITHM, use: 'sig' };
      return void response.end(JSON.stringify({ keys: [key] }));
    }
    if (!request.url?.endsWith('/token')) return void response.writeHead(404).end('{}');
    counts.tokens += 1;
    const token = await sign(
      '00000000-0000-4000-8000-0000000000aa',
      { scope: 'internal-api', jti: String(counts.tokens) },
      { expiresIn: fake.m2mLifeS },
    );
    response.end(JSON.stringify({ access_token: token, expires_in: fake.m2mLifeS, token_type: 'Bearer' }));
  });
  const url = await listen(server);
  const issuer = `${url}/realms/event-ticketing`;
  atEnd(() => close(server));

  async function sign(sub: string, claims: JWTPayload, options: TokenOptions): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    if (options.forged) stranger ??= await generateKeyPair(ALGORITHM);
    const signer = options.forged && stranger ? stranger : pair;
    return new SignJWT({ typ: 'Bearer', ...claims })
      .setProtectedHeader({
        alg: ALGORITHM,
        kid: options.kid ?? kid(),
        ...(options.headerType ? { typ: options.headerType } : {}),
      })
      .setIssuer(typeof claims.iss === 'string' ? claims.iss : issuer)
      .setSubject(sub)
      .setIssuedAt(now)
      .setExpirationTime(now + (options.expiresIn ?? 300))
      .sign(signer.privateKey);
  }

  return Object.assign(fake, {
    url,
    issuer,
    token: (sub: string, claims: JWTPayload = {}, options: TokenOptions = {}) => sign(sub, claims, options),
    async rotate() {
      generation += 1;
      pair = await generateKeyPair(ALGORITHM);
    },
  });
}
