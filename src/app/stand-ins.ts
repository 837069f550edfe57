import { DEMO_STRIPE_KEYS, DEMO_USERS } from '../embedded/demo-accounts.ts';
import { createEmbeddedIdentity } from '../embedded/identity/identity.ts';
import type { JournalWatch } from '../embedded/journal.ts';
import { readOrCreateSecret } from '../embedded/kept-file.ts';
import { createEmbeddedStripe } from '../embedded/stripe/stripe.ts';
import { createEmbeddedVenue } from '../embedded/venue/venue.ts';
import type { Core } from '../platform/core.ts';
import type { HttpServer } from '../platform/http/server.ts';
import type { Foundation } from './foundation.ts';
import type { Servers } from './servers.ts';

const VENUE_GROUP_BYTES = 9;

/** Mounts the stand-ins of servers that no variable names, at the paths of the real servers. */
export async function mountEmbedded(
  foundation: Foundation,
  { clock }: Core,
  servers: Servers,
  http: HttpServer,
): Promise<void> {
  const { config, ids, closing, embedded, dataDir, selfUrl, log } = foundation;
  const journalWatch: JournalWatch = {
    failed: (error) => log.error({ err: error }, 'a stand-in cannot write what it keeps; changes to it are refused'),
    recovered: (path) => log.info({ path }, 'a stand-in writes what it keeps again'),
  };
  if (embedded.has('OIDC_ISSUER')) {
    const identity = await createEmbeddedIdentity({
      issuer: servers.identity.issuer,
      dataDir: `${dataDir}/identity`,
      serviceClient: { id: config.TICKET_CLIENT_ID, secret: servers.identity.clientSecret },
      webOrigins: config.corsOrigins,
      ids,
    });
    closing.add(() => identity.close());
    await http.register(identity.plugin);
  }
  if (embedded.has('EVENT_SEATING_SERVICE_URL')) {
    const venue = await createEmbeddedVenue({
      clock,
      journalWatch,
      dataDir: `${dataDir}/venue`,
      isServiceToken: (authorization) => isServiceToken(servers.verifier, authorization),
      currency: config.currency,
      ownerId: DEMO_USERS.organiser.sub,
      scannerId: DEMO_USERS.scanner.sub,
    });
    closing.add(() => venue.close());
    // Each venue stores its own copy of the seats, so each reads all messages.
    const group = `${config.KAFKA_GROUP_ID}.venue.${await readOrCreateSecret(`${dataDir}/venue/group`, VENUE_GROUP_BYTES)}`;
    servers.eventLog.subscribe(group, config.TOPIC_SEATS_STATUS, ({ value }) => venue.takeSeatStatus(value));
    await http.register(venue.plugin);
  }
  if (embedded.has('STRIPE_SECRET_KEY')) {
    const stripe = await createEmbeddedStripe({
      clock,
      journalWatch,
      ids,
      dataDir: `${dataDir}/stripe`,
      url: foundation.publicUrl,
      secretKey: servers.stripeKeys.secretKey,
      publishableKey: servers.stripeKeys.publishableKey ?? DEMO_STRIPE_KEYS.publishableKey,
      webhookSecret: servers.stripeKeys.webhookSecret,
      webhookUrl: `${selfUrl}/api/webhook/stripe`,
    });
    closing.add(() => stripe.close());
    await http.register(stripe.plugin);
    http.addHook('onReady', async () => stripe.start());
  }
}

async function isServiceToken(verifier: Servers['verifier'], authorization: string | undefined): Promise<boolean> {
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  try {
    return (await verifier.verify(token)).scopes.includes('internal-api');
  } catch {
    return false;
  }
}
