/** What a part of the bench found: one table, and what it says about the figures to reach. */
export interface Section {
  readonly title: string;
  /** What was done, and by which loop. */
  readonly how: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly figures: readonly Figure[];
  readonly picture?: Picture;
}

/** A figure to reach, and what was reached. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly goal: number;
  /** Whether more is better or less is. */
  readonly better: 'more' | 'less';
}

/** Bars, a group for each label and in it one of each series. */
export interface Picture {
  readonly unit: string;
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** Whether it was reached, with `slack` times less asked where machines are noisy. */
export function isReached({ value, goal, better }: Figure, slack = 1): boolean {
  return better === 'more' ? value >= goal / slack : value <= goal * slack;
}

export const rounded = (value: number, digits = 0): string =>
  Number.isFinite(value) ? value.toFixed(digits) : '-';

/** The middle one, of an even number the lower. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
