import { randomBytes } from 'node:crypto';
import { DEMO_STRIPE_KEYS } from '../../../src/embedded/demo-accounts.ts';
import { REALM_CLIENT_SECRET } from '../keycloak-server.ts';
import { type Link, openLink } from '../link.ts';
import { openFrontDoor } from './front-door.ts';
import { type RealServers, startRealServers } from './real-servers.ts';
import { type Replica, startReplica } from './replica.ts';
import { hostStandIns } from './stand-ins.ts';

/** Two replicas of the service as processes, nothing embedded in them, on real servers behind networks that can fail. */
export interface Stack {
  readonly servers: RealServers;
  readonly replicas: readonly Replica[];
  /** The networks from the replicas to the seating services and to Stripe. */
  readonly seating: Link;
  readonly stripe: Link;
  /** One address for everything, as browsers see a platform. */
  readonly url: string;
  close(keepLogs: boolean): Promise<void>;
}

const REPLICAS = 2;
/** Lifetime of the tokens of people and services: a token that is not renewed causes failures within a fault. */
export const TOKEN_LIFE_S = 20;
const QR_KEY_BYTES = 32;
const HOLD_MINUTES = '0.5';

export async function startStack(): Promise<Stack> {
  const servers = await startRealServers();
  await servers.keycloak.asAdmin('PUT', '', { accessTokenLifespan: TOKEN_LIFE_S });
  const webhookSecret = `whsec_${randomBytes(QR_KEY_BYTES).toString('hex')}`;
  const replicas: Replica[] = [];
  let standInsUrl: URL | undefined;
  const toStandIns = () => (standInsUrl ? [standInsUrl] : []);
  const door = await openFrontDoor({
    '/': () => replicas.filter((each) => each.isReady()).map(({ url }) => new URL(url)),
    '/realms/': () => [new URL(servers.keycloak.url)],
    '/api/event-query/': toStandIns,
    '/api/event-seating/': toStandIns,
    '/v1/': toStandIns,
  });
  const standIns = await hostStandIns({
    issuer: servers.keycloak.issuer,
    kafka: servers.links.kafka.address,
    webhookUrl: `${door.url}/api/webhook/stripe`,
    webhookSecret,
  });
  standInsUrl = standIns.url;
  const [seating, stripe] = await Promise.all([
    openLink(Number(standIns.url.port)),
    openLink(Number(standIns.url.port)),
  ]);
  const env = { ...environment(servers, seating, stripe), STRIPE_WEBHOOK_SECRET: webhookSecret };
  // Both start at once on an empty database, as in a first deployment.
  replicas.push(
    ...(await Promise.all(Array.from({ length: REPLICAS }, (_, at) => startReplica(`replica-${at + 1}`, env)))),
  );
  return {
    servers,
    replicas,
    seating,
    stripe,
    url: door.url,
    async close(keepLogs) {
      await Promise.all(replicas.map((replica) => replica.dispose(keepLogs)));
      await standIns.close();
      await Promise.all([door.close(), seating.close(), stripe.close()]);
      await servers.close(keepLogs);
    },
  };
}

function environment({ links, dsn, keycloak }: RealServers, seating: Link, stripe: Link): Record<string, string> {
  return {
    // Production refuses the realm's published secret.
    NODE_ENV: 'development',
    LOG_LEVEL: 'info',
    POSTGRES_DSN: dsn,
    REDIS_ADDR: links.redis.map(({ address }) => address).join(),
    KAFKA_ADDR: links.kafka.address,
    OIDC_ISSUER: keycloak.issuer,
    KEYCLOAK_URL: `http://${links.keycloak.address}`,
    TICKET_CLIENT_SECRET: REALM_CLIENT_SECRET,
    EVENT_QUERY_SERVICE_URL: `http://${seating.address}/api/event-query`,
    EVENT_SEATING_SERVICE_URL: `http://${seating.address}/api/event-seating`,
    STRIPE_SECRET_KEY: DEMO_STRIPE_KEYS.secretKey,
    STRIPE_PUBLISHABLE_KEY: DEMO_STRIPE_KEYS.publishableKey,
    STRIPE_API_BASE: `http://${stripe.address}`,
    QR_SECRET_KEY: randomBytes(QR_KEY_BYTES).toString('base64'),
    SEAT_LOCK_TTL_MINUTES: HOLD_MINUTES,
    // The demo venue's nights are weeks ahead, and these settings admit today, as with the embedded venue.
    DOORS_OPEN_HOURS: '10000',
  };
}
