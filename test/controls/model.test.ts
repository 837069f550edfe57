import { expect, test, vi } from 'vitest';
import { runModel } from '../model/run.ts';
import { openWorld } from '../model/world.ts';

vi.mock('../../src/features/payments/payment.service.ts', async (original) => {
  const payments = await original<typeof import('../../src/features/payments/payment.service.ts')>();
  const createPaymentService: typeof payments.createPaymentService = (options) => ({
    ...payments.createPaymentService(options),
    // The guard taken out: an order ends or changes without Stripe being asked whether it was paid.
    conclude: async () => 'unpaid',
  });
  return { ...payments, createPaymentService };
});

test('without the question to Stripe the service and the model come apart', async () => {
  const failure = runModel(await openWorld(), { runs: 1_000, isShortened: false });
  await expect(failure).rejects.toThrow(/Property failed after/);
});
