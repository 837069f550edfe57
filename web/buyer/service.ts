import { Api, type Settings } from '../lib/api/client.ts';
import { problemOf } from '../lib/api/problem.ts';
import { SignIn } from '../lib/auth/sign-in.ts';
import { Catalogue } from '../lib/catalogue/catalogue.ts';

/** What every page of an entry works with. */
export interface Service {
  readonly settings: Settings;
  readonly api: Api;
  readonly signIn: SignIn;
  readonly catalogue: Catalogue;
  /** The page on which a sign-in that has just returned began. */
  readonly returnTo: string | undefined;
}

/** Reads the settings and who is signed in. Rejects when the service does not answer. */
export async function connect(address: URL): Promise<Service> {
  const response = await fetch('/api/order/config');
  if (!response.ok) throw await problemOf(response);
  const settings: Settings = await response.json();
  leaveOtherLoopback(address, settings.oidc.issuer);
  const signIn = new SignIn(settings, address.origin);
  const returnTo = await signIn.start(address);
  const api = new Api(() => signIn.token());
  return { settings, api, signIn, catalogue: new Catalogue(settings.catalogue_url), returnTo };
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** A laptop has several names for itself, and the sign-in knows one of them: the page moves to that one. */
function leaveOtherLoopback(address: URL, issuer: string): void {
  const signIn = new URL(issuer);
  const isOtherName = signIn.port === address.port && signIn.hostname !== address.hostname;
  if (!isOtherName || ![signIn.hostname, address.hostname].every((name) => LOOPBACK.includes(name))) return;
  location.replace(signIn.origin + address.pathname + address.search);
}
