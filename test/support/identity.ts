import { createHash, randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { createEmbeddedIdentity } from '../../src/embedded/identity/identity.ts';
import { hostEmbedded } from './embedded-host.ts';
import { testFolder } from './folders.ts';

export const SERVICE = { id: 'ticket-service-client', secret: 'a secret' };
export const REALM = '/realms/event-ticketing';
/** The platform's front end in development (contract section 1). */
export const FRONT_END = ['http://localhost:8090', 'http://ticketly.test:8090', 'http://www.localhost:8090'];

export interface TestIdentity {
  /** Its address, with the realm. */
  readonly base: string;
  readonly issuer: string;
}

/** The embedded identity alone, on a port of its own; `issuer` is the name that it uses after a restart. */
export async function startIdentity(
  dataDir: string,
  { issuer, ...more }: { issuer?: string; webOrigins?: readonly string[]; maxAccounts?: number } = {},
): Promise<TestIdentity> {
  const url = await hostEmbedded(async (own) => {
    const identity = await createEmbeddedIdentity({
      issuer: issuer ?? own + REALM,
      dataDir,
      serviceClient: SERVICE,
      webOrigins: FRONT_END,
      ids: { uuid: () => randomUUID() },
      ...more,
    });
    onTestFinished(() => identity.close());
    return identity;
  });
  return { base: url + REALM, issuer: issuer ?? url + REALM };
}

/** A token request. */
export async function askToken(base: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  const response = await fetch(`${base}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into every field
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}

export interface Visit {
  readonly status: number;
  readonly location: string;
  readonly headers: Headers;
  readonly text: string;
}

/** A visitor of pages, who keeps their cookies; `form` is posted. Redirects are not followed. */
export type Visitor = (address: string, form?: Record<string, string>) => Promise<Visit>;

export function newVisitor(base: string, jar = new Map<string, string>()): Visitor {
  return async (address, form) => {
    const response = await fetch(new URL(address, base), {
      redirect: 'manual',
      headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return {
      status: response.status,
      location: response.headers.get('location') ?? '',
      headers: response.headers,
      text: await response.text(),
    };
  };
}

const VERIFIER = 'v'.repeat(50);
export const BACK = 'http://localhost:8090/back?page=1';

/** The address to which a page redirects for signing in (or, by `path`, for signing up). */
export function signInAddress(more: Record<string, string> = {}, path = 'auth'): string {
  const query = new URLSearchParams({
    client_id: 'web-frontend',
    response_type: 'code',
    response_mode: 'fragment',
    scope: 'openid',
    redirect_uri: BACK,
    state: 's1',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  });
  return `${REALM}/protocol/openid-connect/${path}?${query}`;
}

/** Follows a submitted form to the page that asked for the sign-in, and exchanges its code. */
export async function finishSignIn(
  base: string,
  visit: Visitor,
  sent: Pick<Visit, 'location'>,
  code_verifier = VERIFIER,
) {
  const end = await visit(sent.location);
  const answer = new URLSearchParams(new URL(end.location).hash.slice(1));
  const tokens = await askToken(base, {
    grant_type: 'authorization_code',
    client_id: 'web-frontend',
    code: answer.get('code') ?? '',
    code_verifier,
    redirect_uri: BACK,
  });
  return { answer, ...tokens };
}

/** Signs a demo user in, as a page does. */
export async function signInAs(base: string, visit: Visitor, username: string) {
  const form = (await visit(signInAddress())).location;
  return finishSignIn(base, visit, await visit(form, { username, password: 'demo' }));
}

export const newIdentity = async () => startIdentity(await testFolder());
