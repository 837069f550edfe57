import { analyticsChecks } from './features/analytics/index.ts';
import { auditChecks } from './features/audit/index.ts';
import { doorChecks } from './features/door/index.ts';
import { liveChecks } from './features/live/index.ts';
import { orderChecks } from './features/orders/index.ts';
import { paymentChecks } from './features/payments/index.ts';
import { ticketChecks } from './features/tickets/index.ts';
import type { Check } from './platform/feature.ts';
import { idempotencyChecks } from './platform/idempotency/checks.store.ts';
import { outboxChecks } from './platform/outbox/checks.store.ts';

/** Every check of `npm run verify`. */
export const CHECKS: readonly Check[] = [
  ...ticketChecks,
  ...orderChecks,
  ...paymentChecks,
  ...outboxChecks,
  ...liveChecks,
  ...doorChecks,
  ...auditChecks,
  ...idempotencyChecks,
  ...analyticsChecks,
];
