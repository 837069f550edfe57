import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_STRIPE_KEYS, DEMO_USERS } from '../../../src/embedded/demo-accounts.ts';
import { createEmbeddedStripe } from '../../../src/embedded/stripe/stripe.ts';
import { createEmbeddedVenue } from '../../../src/embedded/venue/venue.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { Currency } from '../../../src/kernel/money.ts';
import { connectKafka } from '../../../src/platform/kafka/kafka.ts';
import { TokenVerifier } from '../../../src/platform/oidc/token-verifier.ts';
import { listeningApp } from '../embedded-host.ts';
import { plainAccess } from '../kafka-topics.ts';
import { close } from '../servers.ts';

interface StandInsOptions {
  readonly issuer: string;
  readonly kafka: string;
  readonly webhookUrl: string;
  readonly webhookSecret: string;
}

const SEATS_TOPIC = 'ticketly.seats.status';
const WEBHOOK_RETRIES_MS = [...Array<number>(3).fill(250), ...Array<number>(120).fill(1_000)];

/** The servers that cannot be installed: the platform's seating services and Stripe, as the service's own stand-ins. */
export async function hostStandIns(options: StandInsOptions) {
  const dataDir = await mkdtemp(join(tmpdir(), 'ticketing-stand-ins-'));
  const clock = { now: () => instant(Date.now()) };
  const { server, url, app } = await listeningApp();
  const verifier = new TokenVerifier({ issuer: options.issuer, jwksUrl: undefined, clock });
  const venue = await createEmbeddedVenue({
    clock,
    dataDir,
    isServiceToken: async (authorization = '') => {
      const principal = await verifier.verify(authorization.replace(/^Bearer /, '')).catch(() => undefined);
      return principal?.scopes.includes('internal-api') ?? false;
    },
    currency: new Currency('lkr'),
    ownerId: DEMO_USERS.organiser.sub,
    scannerId: DEMO_USERS.scanner.sub,
  });
  await app.register(venue.plugin);
  const stripe = await createEmbeddedStripe({
    clock,
    ids: { uuid: randomUUID },
    dataDir: join(dataDir, 'stripe'),
    url,
    ...DEMO_STRIPE_KEYS,
    webhookSecret: options.webhookSecret,
    webhookUrl: options.webhookUrl,
    webhookRetryDelaysMs: WEBHOOK_RETRIES_MS,
  });
  await app.register(stripe.plugin);
  await app.ready();
  stripe.start();
  const kafka = await followSeats(options.kafka, venue.takeSeatStatus);
  return {
    url: new URL(url),
    async close() {
      await kafka.stopReading();
      await kafka.close();
      await stripe.close();
      await venue.close();
      await close(server);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The platform's seating service consumes the topic of seat states, as a consumer of its own. */
async function followSeats(broker: string, take: (value: string) => Promise<void>) {
  const kafka = await connectKafka({
    access: plainAccess(broker),
    topics: { names: [SEATS_TOPIC], mayCreate: true, partitions: 6, replicas: undefined },
    onError: () => undefined,
  });
  kafka.subscribe('seating-service', SEATS_TOPIC, ({ value }) => take(value));
  kafka.startReading();
  return kafka;
}
