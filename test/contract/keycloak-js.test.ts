import { beforeAll, describe } from 'vitest';
import { HAS_BROWSER } from '../support/browser.ts';
import { startTestApp } from '../support/test-app.ts';
import { keycloakJsContract } from './keycloak-js.contract.ts';

describe.runIf(HAS_BROWSER)('the embedded identity', () => {
  let issuer = '';
  beforeAll(async () => {
    const { app } = await startTestApp({}, {}, { background: false });
    issuer = `${app.url}/realms/event-ticketing`;
  });

  keycloakJsContract('the embedded identity', () => issuer);
});
