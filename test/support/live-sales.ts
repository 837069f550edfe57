import type { JWTPayload } from 'jose';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { App } from '../../src/app.ts';
import { type EventReader, openStream, type ReaderOptions } from './event-reader.ts';
import { seatsAt } from './fake-seating.ts';
import { newOrganiser, newPerson } from './people/people.ts';
import type { PlatformApp } from './platform-app.ts';
import { until } from './servers.ts';

/** A long-lived token, which stays valid however far a test moves its clock. */
export function longToken({ issuer }: PlatformApp, sub: string, claims: JWTPayload = {}): Promise<string> {
  return issuer.token(sub, claims, { expiresIn: 360_000 });
}

/** The event of a platform, watched by an organiser who owns it and its organisation. */
export type Watched = Awaited<ReturnType<typeof watchedBy>>;

export async function watchedBy(platform: PlatformApp) {
  const { id: organiser, token } = await newOrganiser(platform);
  const buyer = await newPerson(platform);
  const eventPath = `/api/order/sse/checkouts/event/${platform.eventId}`;
  return {
    organiser,
    token,
    eventPath,
    organizationPath: `/api/order/sse/checkouts/organization/${platform.organizationId}`,
    /** Opens the event's stream on a replica. */
    watch: (app = platform.app, { path = eventPath, ...options }: ReaderOptions & { path?: string } = {}) =>
      openStream(app.url, path, { token, ...options }),
    /** Completes a free order on one of the replicas; returns its id. */
    async sell(app = platform.app, seats = 1) {
      const orderId = await buyer.place(seatsAt(platform.seating, ...Array.from({ length: seats }, () => 0)));
      await buyer.via({ app }).checkOut(orderId);
      return orderId;
    },
  };
}

/** Runs the live work by hand until each turn has nothing more to do: number, read, send totals, clean up. */
export async function turnLive(app: App): Promise<void> {
  while (await app.turn('saleNumbering'));
  while (await app.turn('saleReading'));
  await app.turn('saleStats');
  await app.turn('streamUpkeep');
}

/** The ids of the orders that a reader received, in their order. */
export function ordersOn(reader: EventReader): string[] {
  return reader.dataOf('checkout').map(({ OrderID }) => OrderID);
}

const WAITS_KEY = 77;
const HELD_KEY = 78;

/** The next sale of the platform waits between its number and its commit; those after it do not. */
export async function holdNextCommit({ app }: PlatformApp) {
  const holder = new pg.Client({ connectionString: app.dsn });
  await holder.connect();
  onTestFinished(() => holder.end());
  await holder.query(`
    CREATE FUNCTION wait_there() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF pg_try_advisory_xact_lock(${WAITS_KEY}) THEN
          PERFORM pg_advisory_xact_lock(${HELD_KEY});
        END IF;
        RETURN NEW;
      END $$;
    CREATE TRIGGER wait_there AFTER INSERT ON sale_changes FOR EACH ROW EXECUTE FUNCTION wait_there();
    SELECT pg_advisory_lock(${HELD_KEY})`);
  return {
    async untilItWaits() {
      await until('it waits before its commit', async () => {
        const waiting = await app.sql(
          `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${HELD_KEY} AND NOT granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        );
        return waiting.length === 1;
      });
    },
    async release() {
      await holder.query(`SELECT pg_advisory_unlock(${HELD_KEY})`);
      await holder.query('DROP TRIGGER wait_there ON sale_changes');
    },
  };
}
