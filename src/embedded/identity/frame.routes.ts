import type { FastifyInstance, FastifyReply } from 'fastify';
import type Provider from 'oidc-provider';
import { NO_CONTENT } from '../../kernel/http-status.ts';
import { cookieSupportPage, type FramedPage, loginStatusPage, PROBE_COOKIE } from './frames.ts';
import { OPENID_PATH } from './provider.ts';
import type { Site } from './sessions.ts';

const FOUND = 302;
const FORBIDDEN = 403;
const PROBE_S = 60;

/** The pages that keycloak-js frames: they check whether frames get cookies, and whether the session is still the same. */
export function frameRoutes(scope: FastifyInstance, provider: Provider, { sessions, webOrigins, mount }: Site): void {
  const probes = `${mount}${OPENID_PATH}/3p-cookies`;
  // The session's cookie has the same attributes, so a frame gets both cookies or neither.
  const probeAttributes = `; path=${probes}/; samesite=lax; httponly${provider.issuer.startsWith('https:') ? '; secure' : ''}`;

  const send = (reply: FastifyReply, { html, policy }: FramedPage) => {
    // The policy says who may frame the page; this header, which every other answer has, knows no list.
    reply.raw.removeHeader('x-frame-options');
    return reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': `${policy}; frame-ancestors ${webOrigins.list.join(' ')}`,
      })
      .send(html);
  };

  scope.get(`${probes}/step1.html`, async (_request, reply) =>
    reply
      .code(FOUND)
      .headers({
        'set-cookie': `${PROBE_COOKIE}=1; max-age=${PROBE_S}${probeAttributes}`,
        'cache-control': 'no-store',
        location: 'step2.html',
      })
      .send(),
  );

  scope.get(`${probes}/step2.html`, async (request, reply) => {
    const isSupported = (request.headers.cookie ?? '').split('; ').includes(`${PROBE_COOKIE}=1`);
    reply.header('set-cookie', `${PROBE_COOKIE}=; max-age=0${probeAttributes}`);
    return send(reply, cookieSupportPage(isSupported));
  });

  scope.get(`${mount}${OPENID_PATH}/login-status-iframe.html`, async (_request, reply) =>
    send(reply, loginStatusPage()),
  );

  scope.get(`${mount}${OPENID_PATH}/login-status-iframe.html/init`, async (request, reply) => {
    const asked = new URL(request.url, provider.issuer).searchParams;
    reply.header('cache-control', 'no-store');
    const client = await provider.Client.find(asked.get('client_id') ?? '').catch(() => undefined);
    const isPageOfClient =
      (client?.redirectUris ?? []).length > 0 && webOrigins.includes(asked.get('origin') ?? undefined);
    if (!isPageOfClient) return reply.code(FORBIDDEN).send();
    // The session may have ended without this browser: by a restart, or because it expired.
    const session = await sessions.current(request.raw, reply.raw);
    reply.header('set-cookie', sessions.statusCookie(session));
    return reply.code(NO_CONTENT).send();
  });
}
