import { beforeAll, expect, test } from 'vitest';
import { currencyOf } from '../../src/kernel/money.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { raceForSeats, startReplica } from '../support/races.ts';
import { findingsIn, type TestApp } from '../support/test-app.ts';

let platform: PlatformApp;
let replica: TestApp;

beforeAll(async () => {
  // Swept by nobody and verified by this test itself: its database is meant to be broken.
  platform = await startPlatformApp({}, { background: false });
  replica = await startReplica(platform);
});

test('without the unique index a seat is sold twice', async () => {
  await platform.app.sql('DROP INDEX tickets_live_seat');
  for (let round = 0; round < 20; round += 1) await raceForSeats(platform, replica, 12);
  const findings = await findingsIn(platform.app.dsn, currencyOf('lkr'));
  expect(findings).toContainEqual(
    expect.objectContaining({ invariant: 'I1', finding: 'a seat has more than one live ticket' }),
  );
});
