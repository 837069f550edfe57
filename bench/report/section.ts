/** The result of a part of the bench: a table and the figures with their goals. */
export interface Section {
  readonly title: string;
  /** What was measured and with which kind of loop. */
  readonly how: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly figures: readonly Figure[];
  readonly picture?: Picture;
  /** Why there is no result: the part failed, or was skipped because an optional server is not installed. */
  readonly nothing?: 'broke off' | 'left out';
}

/** A measured figure and its goal. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly goal: number;
  /** Whether higher or lower values are better. */
  readonly better: 'more' | 'less';
  /** Whether it is a ratio within the run, which is meaningful on a noisy machine too. Only these can fail the quick run. */
  readonly isRatio?: boolean;
}

/** A bar chart with one group for each label and one bar of each series in it. */
export interface Picture {
  readonly unit: string;
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** Allows for the noise of machines that run tests. */
const QUICK_SLACK = 2;

/** Whether the goal was reached, loosened by the factor `slack`. */
export function isReached({ value, goal, better }: Figure, slack = 1): boolean {
  return better === 'more' ? value >= goal / slack : value <= goal * slack;
}

/** Descriptions of what fails the run: missed figures (in a quick run ratios below half of their goals) and failed parts. */
export function failuresOf(sections: readonly Section[], isQuick: boolean): string[] {
  const missed = sections.flatMap(({ title, figures }) =>
    figures
      .filter((figure) => (isQuick ? figure.isRatio && !isReached(figure, QUICK_SLACK) : !isReached(figure)))
      .map(({ what }) => `${title}: ${what} was not reached`),
  );
  const broken = sections.filter(({ nothing }) => nothing === 'broke off');
  return [...missed, ...broken.map(({ title }) => `${title} broke off`)];
}

/** The section of a part without a result. */
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

export const rounded = (value: number, digits = 0): string => (Number.isFinite(value) ? value.toFixed(digits) : '-');

/** The median; the lower of two middle values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
