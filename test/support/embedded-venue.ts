import { onTestFinished } from 'vitest';
import { DEMO_USERS } from '../../src/embedded/demo-accounts.ts';
import { demoCatalogue } from '../../src/embedded/venue/demo-catalogue.ts';
import { createEmbeddedVenue, type EmbeddedVenue } from '../../src/embedded/venue/venue.ts';
import { instant } from '../../src/kernel/clock.ts';
import { Currency } from '../../src/kernel/money.ts';
import { hostEmbedded } from './embedded-host.ts';

/** The moment at which the venue of these tests was opened. */
export const VENUE_NOW = instant(Date.UTC(2026, 10, 24, 15));
export const VENUE_CURRENCY = new Currency('lkr');
/** A token of another service, as the venue of these tests takes it. */
export const SERVICE_TOKEN = 'service';

/** What that venue has. */
export const venueCatalogue = () => demoCatalogue(VENUE_NOW, VENUE_CURRENCY);

/** Opens the embedded venue on a port of its own, until the end of the test. */
export async function startVenue(
  dataDir: string,
  currency = VENUE_CURRENCY,
): Promise<{ url: string; venue: EmbeddedVenue }> {
  const opened = Promise.withResolvers<EmbeddedVenue>();
  const url = await hostEmbedded(async () => {
    const venue = await createEmbeddedVenue({
      clock: { now: () => VENUE_NOW },
      dataDir,
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
  return { url, venue };
}
