import { ErrorResponse, type User, UserManager, WebStorageStateStore } from 'oidc-client-ts';
import type { Settings } from '../api/client.ts';
import { NoAnswer } from '../api/problem.ts';

const CALLBACK = '/signed-in';

/**
 * Sign-in by authorization code with PKCE. Tokens are in `sessionStorage`: they end with the tab, and no other tab and no
 * address has them.
 */
export class SignIn {
  readonly #manager: UserManager;
  #user: User | null = null;
  #renewing: Promise<User | null> | undefined;

  constructor({ oidc }: Settings, origin: string) {
    this.#manager = new UserManager({
      authority: oidc.issuer,
      client_id: oidc.client_id,
      redirect_uri: `${origin}${CALLBACK}`,
      post_logout_redirect_uri: `${origin}/`,
      response_type: 'code',
      scope: 'openid profile email',
      userStore: new WebStorageStateStore({ store: sessionStorage }),
      stateStore: new WebStorageStateStore({ store: sessionStorage }),
      automaticSilentRenew: false,
      monitorSession: false,
    });
  }

  /** Reads who is signed in, and completes a sign-in that returns to this page; resolves with the page that it began on. */
  async start(address: URL): Promise<string | undefined> {
    if (address.pathname !== CALLBACK) {
      this.#user = await this.#manager.getUser();
      return undefined;
    }
    const user = await this.#manager.signinCallback(address.href).catch(() => undefined);
    this.#user = user ?? (await this.#manager.getUser());
    return ownPath(user?.state, address.origin);
  }

  get isSignedIn(): boolean {
    return this.#user !== null;
  }

  /** Leaves for the sign-in page, which returns to `path`. */
  async begin(path: string): Promise<void> {
    await this.#manager.signinRedirect({ state: path });
  }

  async end(): Promise<void> {
    this.#user = null;
    await this.#manager.signoutRedirect().catch(() => this.#manager.removeUser());
  }

  /** A token that is valid for a while; undefined when nobody is signed in or the sign-in has expired. */
  async token(): Promise<string | undefined> {
    const user = this.#user;
    if (!user) return undefined;
    if (!isEnding(user)) return user.access_token;
    // One renewal for all who ask: a refresh token that is used twice ends the sign-in.
    this.#renewing ??= this.#renewed(user).finally(() => {
      this.#renewing = undefined;
    });
    this.#user = await this.#renewing;
    return this.#user?.access_token;
  }

  /** Only a refusal of the issuer ends the sign-in. Throws `NoAnswer` when the network is away. */
  async #renewed(user: User): Promise<User | null> {
    try {
      return await this.#manager.signinSilent();
    } catch (error) {
      if (!(error instanceof ErrorResponse)) {
        if (!user.expired) return user;
        throw new NoAnswer(error);
      }
      await this.#manager.removeUser();
      return null;
    }
  }
}

const RENEW_BEFORE_S = 20;

function isEnding({ expires_in }: User): boolean {
  return expires_in !== undefined && expires_in < RENEW_BEFORE_S;
}

/** A path of this origin; anything else that came back with the sign-in is not followed. */
function ownPath(state: unknown, origin: string): string {
  if (typeof state !== 'string' || !state.startsWith('/')) return '/';
  const address = new URL(state, origin);
  return address.origin === origin ? address.pathname + address.search : '/';
}
