import { createEmbeddedHolds } from '../../src/embedded/holds.ts';
import { instant, later } from '../../src/kernel/clock.ts';
import { seatHoldsContract } from './seat-holds.contract.ts';

seatHoldsContract('in the process', async () => {
  let now = instant(0);
  const clock = { now: () => now };
  return {
    holds: createEmbeddedHolds(clock),
    clock,
    async pass(ms) {
      now = later(now, ms);
    },
    write: async () => undefined,
  };
});
