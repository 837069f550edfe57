import { sourceHash } from './headers.ts';

/*
 * The two small pages that keycloak-js loads in hidden frames. The messages that it expects are in
 * https://github.com/keycloak/keycloak-js, `#check3pCookiesSupported` and `#checkLoginIframe`.
 */

/** Readable by the frame's script. Its value is the `sid` of the tokens, which gives no access. */
export const STATUS_COOKIE = 'identity_status';
/** Set and read in a frame, to find out whether frames get the provider's cookies. */
export const PROBE_COOKIE = 'identity_probe';

const SUPPORTED = "parent.postMessage('supported', '*');";
const UNSUPPORTED = "parent.postMessage('unsupported', '*');";

/** The page requests `init` once for each client and origin, and then answers from the cookie. */
const STATUS = `
let accepted = '';
addEventListener('message', async (event) => {
  if (event.source !== parent || typeof event.data !== 'string') return;
  const space = event.data.indexOf(' ');
  if (space < 1) return;
  const clientId = event.data.slice(0, space);
  const sessionId = event.data.slice(space + 1);
  event.source.postMessage(await stateOf(clientId, event.origin, sessionId), event.origin);
});
async function stateOf(clientId, origin, sessionId) {
  const asked = new URLSearchParams({ client_id: clientId, origin }).toString();
  if (asked !== accepted) {
    const answer = await fetch('login-status-iframe.html/init?' + asked, { cache: 'no-store' }).catch(() => undefined);
    if (answer?.status !== 204) return 'error';
    accepted = asked;
  }
  const cookie = document.cookie.split('; ').find((each) => each.startsWith('${STATUS_COOKIE}='));
  return (cookie ?? '=').split('=')[1] === sessionId ? 'unchanged' : 'changed';
}
`;

export interface FramedPage {
  readonly html: string;
  /** Its Content-Security-Policy, without `frame-ancestors`. */
  readonly policy: string;
}

/** The page that reports whether frames get the provider's cookies. */
export function cookieSupportPage(isSupported: boolean): FramedPage {
  return framed('Cookies in frames', isSupported ? SUPPORTED : UNSUPPORTED, "'none'");
}

/** The page that reports whether the session of a page's tokens is still the current one. */
export function loginStatusPage(): FramedPage {
  return framed('Login status', STATUS, "'self'");
}

function framed(title: string, script: string, connectTo: string): FramedPage {
  const policy = `default-src 'none'; script-src ${sourceHash(script)}; connect-src ${connectTo}; base-uri 'none'; form-action 'none'`;
  return {
    html: `<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${title}</title></head>\n<body><script>${script}</script></body>\n</html>\n`,
    policy,
  };
}
