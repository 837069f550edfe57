import { onTestFinished } from 'vitest';
import { DEMO_USERS } from '../../src/embedded/demo-accounts.ts';
import { demoCatalogue } from '../../src/embedded/venue/demo-catalogue.ts';
import { createEmbeddedVenue, type EmbeddedVenue } from '../../src/embedded/venue/venue.ts';
import { instant } from '../../src/kernel/clock.ts';
import { Currency } from '../../src/kernel/money.ts';
import { hostEmbedded } from './embedded-host.ts';
import { testFolder } from './folders.ts';
import { call } from './test-app.ts';

/** The moment at which the venue of these tests was opened. */
export const VENUE_NOW = instant(Date.UTC(2026, 10, 24, 15));
export const VENUE_CURRENCY = new Currency('lkr');
/** A token of another service, as the venue of these tests accepts it. */
export const SERVICE_TOKEN = 'service';

/** The catalogue of that venue: its events, and the nights of its concert by name. */
export function venueCatalogue() {
  const catalogue = demoCatalogue(VENUE_NOW, VENUE_CURRENCY);
  const [concert, theatre, webinar, arena] = catalogue.events;
  if (!concert || !theatre || !webinar || !arena) throw new Error('the demo venue has four events');
  const [night, secondNight] = concert.sessions;
  if (!night || !secondNight) throw new Error('the concert has two nights');
  return { catalogue, concert, theatre, webinar, arena, night, secondNight };
}

/** Opens the embedded venue, in a folder of its own unless one is given, on a port of its own, until the end of the test. */
export async function openVenue({
  dataDir,
  currency = VENUE_CURRENCY,
}: {
  dataDir?: string;
  currency?: Currency;
} = {}) {
  const folder = dataDir ?? (await testFolder());
  const opened = Promise.withResolvers<EmbeddedVenue>();
  const url = await hostEmbedded(async () => {
    const venue = await createEmbeddedVenue({
      clock: { now: () => VENUE_NOW },
      dataDir: folder,
      isServiceToken: async (authorization) => authorization === `Bearer ${SERVICE_TOKEN}`,
      currency,
      ownerId: DEMO_USERS.organiser.sub,
      scannerId: DEMO_USERS.scanner.sub,
    });
    opened.resolve(venue);
    return venue;
  });
  const venue = await opened.promise;
  onTestFinished(() => venue.close());
  /** A path of its query service. */
  const get = (path: string) => call(url, 'GET', `/api/event-query/v1/${path}`);
  return { url, venue, get };
}
