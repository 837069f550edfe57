import type { Discount } from '../../lib/catalogue/catalogue.ts';
import { language, t } from '../../lib/i18n/i18n.svelte.ts';
import { money } from '../../lib/i18n/intl.ts';

/** Whether a discount can be used at this time, in milliseconds since 1970. The service decides; this only hides what has ended. */
export function isUsable({ activeFrom, expiresAt }: Discount, nowMs: number): boolean {
  return (!activeFrom || Date.parse(activeFrom) <= nowMs) && (!expiresAt || nowMs < Date.parse(expiresAt));
}

/** What a discount takes off, in the page's language. */
export function discountWords({ parameters }: Discount, currency: string): string {
  switch (parameters.type) {
    case 'PERCENTAGE': {
      const percent = new Intl.NumberFormat(language(), { style: 'percent', maximumFractionDigits: 2 });
      return join(
        t('discountPercent', { percent: percent.format(parameters.percentage / 100) }),
        limit('discountFrom', parameters.minSpend, currency),
        limit('discountUpTo', parameters.maxDiscount, currency),
      );
    }
    case 'FLAT_OFF':
      return join(
        t('discountAmount', { amount: money(parameters.amount, parameters.currency) }),
        limit('discountFrom', parameters.minSpend, currency),
      );
    case 'BUY_N_GET_N_FREE':
      return t('discountBuyGet', { buy: parameters.buyQuantity, get: parameters.getQuantity });
    default:
      return parameters satisfies never;
  }
}

function limit(key: 'discountFrom' | 'discountUpTo', amount: number | undefined, currency: string): string {
  return amount === undefined || amount === 0 ? '' : t(key, { amount: money(amount, currency) });
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}
