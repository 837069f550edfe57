import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/embedded/postgres/postgres.ts';
import { type KafkaServer, startKafka } from '../kafka-server.ts';
import { type KeycloakServer, startKeycloak } from '../keycloak-server.ts';
import { type Link, openLink } from '../link.ts';
import { type RedisServerProcess, startRedisCluster } from '../redis-server.ts';

/** PostgreSQL, a Redis Cluster of three, Kafka and Keycloak, each reached over a network of its own. */
export interface RealServers {
  readonly links: Readonly<Record<'postgres' | 'kafka' | 'keycloak', Link>> & {
    readonly redis: readonly Link[];
  };
  readonly redis: readonly RedisServerProcess[];
  readonly kafka: KafkaServer;
  readonly keycloak: KeycloakServer;
  /** The address as the service reaches it. */
  readonly dsn: string;
  /** Its own address, which no network fault affects. */
  directDsn(): string;
  /** Stops it as its operator does; committed data is there when it starts again. */
  stopPostgres(): Promise<void>;
  startPostgres(): Promise<void>;
  close(keepLogs: boolean): Promise<void>;
}

const NODES = 3;

export async function startRealServers(): Promise<RealServers> {
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
  const directDsn = () => postgres.dsn;
  const through = new URL(directDsn());
  through.host = postgresLink.address;
  const links = { postgres: postgresLink, kafka: kafkaLink, keycloak: keycloakLink, redis: redisLinks };
  return {
    links,
    redis,
    kafka,
    keycloak,
    dsn: through.toString(),
    directDsn,
    stopPostgres: () => postgres.close(),
    startPostgres,
    async close(keepLogs) {
      await Promise.all([kafka.stop(keepLogs), keycloak.stop(keepLogs), postgres.close()]);
      await Promise.all([postgresLink, kafkaLink, keycloakLink, ...redisLinks].map((link) => link.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
