import { mapIds, requestOf, slotsOf } from './requests.ts';
import { INVOLVED } from './routes.ts';
import { aboutIn, each, outcomeOf, rowOf, send, type Try, unchanged, unless } from './walk.ts';
import type { World } from './world.ts';

/** Other ways to write a UUID, none of which is one of ours; upper case is, and means the same id. */
const SPELLINGS: readonly (readonly [string, (id: string) => string])[] = [
  ['as a URN', (id) => `urn:uuid:${id}`],
  ['as a URN in capitals', (id) => `URN:UUID:${id.toUpperCase()}`],
  ['in braces', (id) => `{${id}}`],
  ['without hyphens', (id) => id.replaceAll('-', '')],
  ['with hyphens elsewhere', (id) => id.replaceAll('-', '').replaceAll(/.{8}(?!$)/g, '$&-')],
  ['with one hyphen missing', (id) => id.replace('-', '')],
  ['after a blank', (id) => ` ${id}`],
  ['before a line end', (id) => `${id}\n`],
  ['in fullwidth digits', (id) => id.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))],
];

/** The findings when the callers with access write an id in another way: each request must be refused and change nothing. */
export async function walkSpellings(world: World, route: string): Promise<string[]> {
  const row = rowOf(route);
  const request = requestOf(route, row, aboutIn(world, row));
  const slots = slotsOf(request).filter(({ kind }) => kind !== 'payment');
  const callers = row.passes.filter((caller) => INVOLVED.includes(caller));
  const tries = callers.flatMap((caller) =>
    slots.flatMap((slot) =>
      SPELLINGS.map(([how, spell]): Try => {
        const other = mapIds(request, (id, { at }) => (at === slot.at ? spell(id) : id));
        return { caller, what: `${slot.at} ${how}`, request: other };
      }),
    ),
  );
  const findings = await unchanged(world, () =>
    each(tries, async (tried) => {
      const outcome = outcomeOf(await send(world, row, tried));
      return unless(/^[24]00 invalid_request$/.test(outcome), tried, `got ${outcome}`);
    }),
  );
  return findings.map((finding) => `${route} ${finding}`);
}
