import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { MS_PER_SECOND } from '../../kernel/clock.ts';
import { STATUS_COOKIE } from './frames.ts';
import type { WebOrigins } from './web-origins.ts';

/** A user's session at the provider, in one browser. */
export interface SignedIn {
  /** The `sid` of its tokens. */
  readonly sid: string;
  readonly sub: string;
  /** When it ends, in seconds since 1970. */
  readonly exp: number;
}

/** The sessions, and the cookie that the login status frame reads. */
export interface Sessions {
  current(request: IncomingMessage, response: ServerResponse): Promise<SignedIn | undefined>;
  /** Whether the session of a token is live and belongs to this user. */
  isLive(sid: string, sub: string): Promise<boolean>;
  /** The `Set-Cookie` header of the status cookie; without a session, it removes the cookie. */
  statusCookie(session: SignedIn | undefined): string;
}

/** The sessions, the origins of pages, and the path of the realm. */
export interface Site {
  readonly sessions: Sessions;
  readonly webOrigins: WebOrigins;
  readonly mount: string;
}

/**
 * Gives the tokens of a session one `sid`, as Keycloak does, and updates the status cookie whenever the provider starts or
 * ends a session. The `sid` is not the session cookie, so it gives no access.
 */
export function followSessions(provider: Provider): Sessions {
  const { pathname, protocol } = new URL(provider.issuer);
  const attributes = `; path=${pathname}/; samesite=lax${protocol === 'https:' ? '; secure' : ''}`;
  provider.Session.prototype.sidFor = function () {
    return this.uid;
  };
  Object.defineProperty(provider.Client.prototype, 'includeSid', { value: () => true });
  provider.on('authorization.success', (ctx, response) => {
    if (response && ctx.oidc.session) response.session_state = ctx.oidc.session.uid;
  });

  function statusCookie(session: SignedIn | undefined): string {
    const end = new Date((session?.exp ?? 0) * MS_PER_SECOND).toUTCString();
    return `${STATUS_COOKIE}=${session?.sid ?? ''}; expires=${end}${attributes}`;
  }

  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    const session = 'oidc' in ctx ? ctx.oidc.session : undefined;
    if (!session?.accountId) return;
    const isOver = 'destroyed' in session && session.destroyed === true;
    const { uid: sid, accountId: sub, exp } = session;
    ctx.append('set-cookie', statusCookie(isOver ? undefined : { sid, sub, exp }));
  });

  return {
    async current(request, response) {
      const { uid: sid, accountId: sub, exp } = await provider.Session.get(provider.createContext(request, response));
      return sub === undefined ? undefined : { sid, sub, exp };
    },
    async isLive(sid, sub) {
      return (await provider.Session.findByUid(sid))?.accountId === sub;
    },
    statusCookie,
  };
}
