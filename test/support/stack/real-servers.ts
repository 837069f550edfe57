import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/embedded/postgres/postgres.ts';
import { startKafka } from '../kafka-server.ts';
import { startKeycloak } from '../keycloak-server.ts';
import { openLink } from '../link.ts';
import { startRedisCluster } from '../redis-server.ts';

/** PostgreSQL, a Redis Cluster of three, Kafka and Keycloak, each reached over a network of its own. */
export type RealServers = Awaited<ReturnType<typeof startRealServers>>;

const NODES = 3;

export async function startRealServers() {
  const [postgresLink, kafkaLink, keycloakLink] = await Promise.all([openLink(), openLink(), openLink()]);
  const redisLinks = await Promise.all(Array.from({ length: NODES }, () => openLink()));
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-postgres-'));
  let postgres: EmbeddedPostgres;
  const startPostgres = async () => {
    postgres = await startEmbeddedPostgres(folder);
    postgresLink.leadTo(Number(new URL(postgres.dsn).port));
  };
  const [redis, kafka, keycloak] = await Promise.all([
    startRedisCluster(0, redisLinks),
    startKafka({ advertised: kafkaLink.address }),
    startKeycloak(),
    startPostgres(),
  ]);
  kafkaLink.leadTo(Number(kafka.plain.split(':')[1]));
  keycloakLink.leadTo(keycloak.port);
  /** Its own address, which no network fault affects. */
  const directDsn = () => postgres.dsn;
  const through = new URL(directDsn());
  through.host = postgresLink.address;
  const links = { postgres: postgresLink, kafka: kafkaLink, keycloak: keycloakLink, redis: redisLinks };
  return {
    links,
    redis,
    kafka,
    keycloak,
    /** The address as the service reaches it. */
    dsn: through.toString(),
    directDsn,
    /** Stops it as its operator does; committed data is there when it starts again. */
    stopPostgres: () => postgres.close(),
    startPostgres,
    async close(keepLogs: boolean) {
      await Promise.all([kafka.stop(keepLogs), keycloak.stop(keepLogs), postgres.close()]);
      await Promise.all([postgresLink, kafkaLink, keycloakLink, ...redisLinks].map((link) => link.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
