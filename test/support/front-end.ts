import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { close, listen } from './servers.ts';

/** Pages that sign in with the real keycloak-js, as the platform's front end does. */
export type FrontEnd = Awaited<ReturnType<typeof startFrontEnd>>;

/**
 * Serves the pages: `/` with `check-sso` alone, `/silent` also with a page for the silent check. Each leaves the adapter in
 * `keycloak`, the result of `init` in `outcome`, its warnings in `warnings`, and the tab's loads in `sessionStorage.loads`.
 */
export async function startFrontEnd(issuer: string) {
  const library = await readFile(fileURLToPath(import.meta.resolve('keycloak-js')), 'utf8');
  const [url, realm] = issuer.split('/realms/');
  const config = JSON.stringify({ url, realm, clientId: 'web-frontend' });
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path === '/keycloak.js') {
      response.setHeader('content-type', 'text/javascript');
      return void response.end(library);
    }
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return void response.end(path === '/silent-check.html' ? SILENT_CHECK : pageOf(config));
  });
  const { host } = new URL(await listen(server));
  return { address: host, stop: () => close(server) };
}

const SILENT_CHECK = '<!doctype html><script>parent.postMessage(location.href, location.origin)</script>';

function pageOf(config: string): string {
  return `<!doctype html><title>Front end</title><body><script type="module">
    import Keycloak from '/keycloak.js';
    sessionStorage.loads = Number(sessionStorage.loads ?? 0) + 1;
    window.warnings = [];
    console.warn = (...words) => warnings.push(words.join(' '));
    const isSilent = location.pathname === '/silent';
    const silent = isSilent ? { silentCheckSsoRedirectUri: location.origin + '/silent-check.html' } : {};
    const begun = performance.now();
    window.keycloak = new Keycloak(${config});
    keycloak.onAuthLogout = () => { window.isLoggedOut = true; };
    keycloak.init({ onLoad: 'check-sso', checkLoginIframeInterval: 1, ...silent }).then(
      (authenticated) => { window.outcome = { authenticated, ms: performance.now() - begun }; },
      (error) => { window.outcome = { error: String(error?.message ?? JSON.stringify(error)) }; },
    );
  </script>`;
}
