/**
 * What Stripe charges in each currency, in the minor units of its API: https://docs.stripe.com/currencies. Everything about a
 * currency that cannot be computed stands here, so that a price, a discount and a refund follow the same facts.
 */

/** The currencies of payments: https://docs.stripe.com/currencies#presentment-currencies */
const CHARGED = new Set(
  `aed afn all amd ang aoa ars aud awg azn bam bbd bdt bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc
   cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes
   kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr
   nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try
   ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw`.split(/\s+/),
);

/** https://docs.stripe.com/currencies#zero-decimal */
const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
/** The last digit of an amount must be 0: https://docs.stripe.com/currencies#three-decimal */
const THREE_DECIMAL = new Set('bhd jod kwd omr tnd'.split(' '));
/** They have no decimals any more, but Stripe still wants two, which must be 00: https://docs.stripe.com/currencies#special-cases */
const ALWAYS_00 = new Set('isk ugx'.split(' '));

/**
 * The smallest charges in minor units, each with its currencies; Stripe names none for the others:
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const MIN_CHARGES: Readonly<Record<number, string>> = {
  30: 'gbp',
  50: 'ars aud brl cad chf cop eur idr ils inr jpy krw nzd php rub sgd usd zar',
  200: 'aed myr pln ron',
  250: 'dkk',
  300: 'nok sek',
  400: 'hkd',
  1000: 'mxn thb',
  1500: 'czk',
  17500: 'huf',
};
const MIN_CHARGE = new Map(
  Object.entries(MIN_CHARGES).flatMap(([amount, codes]) => codes.split(' ').map((code) => [code, Number(amount)])),
);

/**
 * The largest amounts. Stripe takes more from some cards, but the buyer chooses how they pay only after they have ordered, so
 * the limit that holds for every payment method counts.
 */
const MAX_CHARGE: Readonly<Record<string, number>> = { idr: 999_999_999_999, cop: 9_999_999_999, inr: 999_999_999 };
const USUAL_MAX_CHARGE = 99_999_999;

export interface CurrencyFacts {
  /** Digits after the decimal point. */
  readonly exponent: 0 | 2 | 3;
  /** Charged and refunded amounts are multiples of this many minor units. */
  readonly chargeStep: 1 | 10 | 100;
  /** The smallest charge, in minor units. */
  readonly minCharge: number;
  /** The largest charge, in minor units. */
  readonly maxCharge: number;
}

/** The facts about a currency by its code in lower case; undefined for one that Stripe does not charge. */
export function currencyFacts(code: string): CurrencyFacts | undefined {
  if (!CHARGED.has(code)) return undefined;
  const { exponent, chargeStep } = decimalsOf(code);
  const largest = MAX_CHARGE[code] ?? USUAL_MAX_CHARGE;
  return {
    exponent,
    chargeStep,
    minCharge: MIN_CHARGE.get(code) ?? chargeStep,
    maxCharge: largest - (largest % chargeStep),
  };
}

function decimalsOf(code: string): Pick<CurrencyFacts, 'exponent' | 'chargeStep'> {
  if (ZERO_DECIMAL.has(code)) return { exponent: 0, chargeStep: 1 };
  if (THREE_DECIMAL.has(code)) return { exponent: 3, chargeStep: 10 };
  return { exponent: 2, chargeStep: ALWAYS_00.has(code) ? 100 : 1 };
}
