import { Currency } from '../../src/kernel/money.ts';

export const LKR = new Currency('lkr');
