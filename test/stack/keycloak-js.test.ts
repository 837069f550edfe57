import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { keycloakJsContract } from '../contract/keycloak-js.contract.ts';
import { HAS_BROWSER } from '../support/browser.ts';
import { type KeycloakServer, startKeycloak } from '../support/keycloak-server.ts';

describe.runIf(HAS_BROWSER)('real Keycloak with deploy/keycloak realm', () => {
  let keycloak: KeycloakServer;
  let isFailed = false;

  beforeAll(async () => {
    // On the same site as the pages, as on a developer’s machine, because a frame gets the cookies of no other site.
    keycloak = await startKeycloak('localhost');
  });
  afterEach(({ task }) => {
    isFailed ||= task.result?.state === 'fail';
  });
  afterAll(() => keycloak?.stop(isFailed));

  keycloakJsContract('a real Keycloak', () => keycloak.issuer);
});
