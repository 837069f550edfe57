import type { Picture } from './section.ts';

const WIDTH = 760;
const HEIGHT = 320;
const LEFT = 60;
const BOTTOM = 40;
const TOP = 50;
const COLOURS = ['#2563eb', '#9ca3af', '#d1d5db', '#f59e0b', '#10b981'];

/** A bar chart as an SVG document. */
export function drawPicture(title: string, { unit, labels, series }: Picture): string {
  const most = Math.max(1, ...series.flatMap(({ values }) => values.filter(Number.isFinite)));
  const group = (WIDTH - LEFT) / labels.length;
  const bar = (group * 0.8) / series.length;
  const scale = (HEIGHT - TOP - BOTTOM) / most;
  const bars = series.flatMap(({ name, values }, which) =>
    values.map((value, at) => {
      if (!Number.isFinite(value)) return '';
      const height = value * scale;
      const x = LEFT + at * group + which * bar;
      const label = `${name}, ${labels[at]}: ${Math.round(value)} ${unit}`;
      return (
        `<rect x="${x.toFixed(1)}" y="${(HEIGHT - BOTTOM - height).toFixed(1)}" width="${(bar - 2).toFixed(1)}" ` +
        `height="${height.toFixed(1)}" fill="${COLOURS[which]}"><title>${label}</title></rect>` +
        `<text x="${(x + bar / 2).toFixed(1)}" y="${(HEIGHT - BOTTOM - height - 4).toFixed(1)}" text-anchor="middle" font-size="9">${Math.round(value)}</text>`
      );
    }),
  );
  const names = labels.map(
    (label, at) =>
      `<text x="${(LEFT + at * group + (bar * series.length) / 2).toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle" font-size="11">${label}</text>`,
  );
  const legend = series.map(
    ({ name }, which) =>
      `<rect x="${LEFT + which * 200}" y="28" width="10" height="10" fill="${COLOURS[which]}"/>` +
      `<text x="${LEFT + which * 200 + 15}" y="37" font-size="11">${name}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="18" font-size="14">${title} (${unit})</text>`,
    ...legend,
    ...bars,
    ...names,
    '</svg>\n',
  ].join('\n');
}
