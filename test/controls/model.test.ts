import { expect, test, vi } from 'vitest';
import { runModel } from '../model/run.ts';
import { openWorld } from '../model/world.ts';

vi.mock('../../src/features/payments/close-payment.ts', async (original) => {
  const { ClosePayment } = await original<typeof import('../../src/features/payments/close-payment.ts')>();
  /** The guard is taken out here: an order ends or changes without asking Stripe whether it was paid. */
  class WithoutQuestion extends ClosePayment {
    override async conclude(): Promise<'unpaid'> {
      return 'unpaid';
    }
  }
  return { ClosePayment: WithoutQuestion };
});

test('without the question to Stripe, the service and the model disagree', async () => {
  const failure = runModel(await openWorld(), { runs: 1_000, isShortened: false });
  await expect(failure).rejects.toThrow(/Property failed after/);
});
