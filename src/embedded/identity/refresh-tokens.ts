import { jwtVerify, SignJWT } from 'jose';
import type Provider from 'oidc-provider';
import type { RefreshToken } from 'oidc-provider';

const ALGORITHM = 'HS512';

/**
 * Gives refresh tokens Keycloak's format: a JWT that pages can decode and only the provider can create. Its claims are never
 * trusted: the provider's record, found by `jti`, is decisive, so rotation and reuse detection are unchanged. `key` need not
 * outlive the process, because the records do not either.
 */
export function writeRefreshTokensAsJwt(provider: Provider, key: Uint8Array): void {
  const { issuer } = provider;
  const kept = provider.RefreshToken;
  const { save } = kept.prototype;
  const original = kept.find;
  const find = (id: string, options?: { readonly ignoreExpiration?: boolean }) =>
    original.call(kept, id, options) as Promise<RefreshToken | undefined>;

  kept.prototype.save = async function (this: RefreshToken) {
    const jti = await save.call(this);
    const iat = this.iat ?? this.iiat;
    return new SignJWT({ typ: 'Refresh', azp: this.clientId, sid: this.sid, scope: this.scope })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setJti(jti)
      .setSubject(this.accountId)
      .setIssuer(issuer)
      .setAudience(issuer)
      .setIssuedAt(iat)
      .setExpirationTime((iat ?? 0) + this.expiration)
      .sign(key);
  };

  async function idIn(token: string): Promise<string | undefined> {
    const checks = { issuer, audience: issuer, algorithms: [ALGORITHM] };
    const verified = await jwtVerify(token, key, checks).catch(() => undefined);
    return verified?.payload.typ === 'Refresh' ? verified.payload.jti : undefined;
  }

  Object.defineProperty(kept, 'find', {
    value: async (token: string, options?: { readonly ignoreExpiration?: boolean }) => {
      const id = typeof token === 'string' ? await idIn(token) : undefined;
      return id === undefined ? undefined : find(id, options);
    },
  });
}
