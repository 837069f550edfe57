/** What a part of the bench found: one table, and what it says about the figures to reach. */
export interface Section {
  readonly title: string;
  /** What was done, and by which loop. */
  readonly how: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly figures: readonly Figure[];
  readonly picture?: Picture;
  /** Why there is nothing: the part broke off, or was left out because an optional server is not installed. */
  readonly nothing?: 'broke off' | 'left out';
}

/** A figure to reach, and what was reached. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly goal: number;
  /** Whether more is better or less is. */
  readonly better: 'more' | 'less';
  /** Whether it compares within the run and so says something of a noisy machine, too: the quick run fails by these alone. */
  readonly isRatio?: boolean;
}

/** Bars, a group for each label and in it one of each series. */
export interface Picture {
  readonly unit: string;
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** Machines that run tests are noisy. */
const QUICK_SLACK = 2;

/** Whether it was reached, with `slack` times less asked. */
export function isReached({ value, goal, better }: Figure, slack = 1): boolean {
  return better === 'more' ? value >= goal / slack : value <= goal * slack;
}

/** What makes the run fail, in words: figures missed, of a quick run ratios by half, and parts that broke off. */
export function failuresOf(sections: readonly Section[], isQuick: boolean): string[] {
  const missed = sections.flatMap(({ title, figures }) =>
    figures
      .filter((figure) => (isQuick ? figure.isRatio && !isReached(figure, QUICK_SLACK) : !isReached(figure)))
      .map(({ what }) => `${title}: ${what} was not reached`),
  );
  const broken = sections.filter(({ nothing }) => nothing === 'broke off');
  return [...missed, ...broken.map(({ title }) => `${title} broke off`)];
}

/** The section of a part that gave none. */
export function nothingOf(part: string, error: unknown, missing: string | undefined): Section {
  const how =
    missing === undefined
      ? `It broke off: ${error instanceof Error ? error.message : String(error)}`
      : `Left out: ${missing} is not installed.`;
  return {
    title: part,
    how,
    columns: [],
    rows: [],
    figures: [],
    nothing: missing === undefined ? 'broke off' : 'left out',
  };
}

export const rounded = (value: number, digits = 0): string =>
  Number.isFinite(value) ? value.toFixed(digits) : '-';

/** The middle one, of an even number the lower. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
