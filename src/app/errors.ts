import { accessErrors } from '../features/access/index.ts';
import { analyticsErrors } from '../features/analytics/index.ts';
import { boxOfficeErrors } from '../features/box-office/index.ts';
import { doorErrors } from '../features/door/index.ts';
import { liveErrors } from '../features/live/index.ts';
import { orderErrors } from '../features/orders/index.ts';
import { paperErrors } from '../features/paper/index.ts';
import { paymentErrors } from '../features/payments/index.ts';
import { pricingErrors } from '../features/pricing/index.ts';
import { seatErrors } from '../features/seats/index.ts';
import { ticketErrors } from '../features/tickets/index.ts';
import type { Errors } from '../kernel/errors.ts';
import { platformErrors } from '../platform/errors.ts';

/** Every error code of the service, from the tables of the features and the platform. */
export const ERRORS = {
  ...platformErrors,
  ...accessErrors,
  ...orderErrors,
  ...ticketErrors,
  ...doorErrors,
  ...boxOfficeErrors,
  ...seatErrors,
  ...pricingErrors,
  ...paymentErrors,
  ...liveErrors,
  ...paperErrors,
  ...analyticsErrors,
} as const satisfies Errors;
