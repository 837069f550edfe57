import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairLine } from '../../../src/platform/http/fair-line.ts';

function lineOf(...callers: readonly string[]): FairLine<string> {
  const line = new FairLine<string>();
  const counts = new Map<string, number>();
  for (const caller of callers) {
    const count = (counts.get(caller) ?? 0) + 1;
    counts.set(caller, count);
    line.add(caller, `${caller}${count}`);
  }
  return line;
}

function leave(line: FairLine<string>, mayLeave: (caller: string) => boolean = () => true): string[] {
  const left: string[] = [];
  for (let next = line.next(mayLeave); next; next = line.next(mayLeave)) left.push(next.item);
  return left;
}

describe('a line that callers leave in turns', () => {
  test('it takes one item of each caller, and each caller’s oldest first', () => {
    expect(leave(lineOf('a', 'a', 'a', 'b', 'b', 'c'))).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  test('it gives a caller who returns the last turn', () => {
    const line = lineOf('a', 'a', 'b');
    expect(line.next(() => true)?.item).toBe('a1');
    line.add('c', 'c1');
    expect(leave(line)).toEqual(['b1', 'a2', 'c1']);
  });

  test('it passes over callers who may not leave, and they keep their turn', () => {
    const line = lineOf('a', 'a', 'b', 'c');
    expect(leave(line, (caller) => caller !== 'a')).toEqual(['b1', 'c1']);
    expect(leave(line)).toEqual(['a1', 'a2']);
    expect(line.next(() => true)).toBeUndefined();
  });

  test('it forgets items that were removed, once', () => {
    const line = lineOf('a', 'a', 'b');
    line.remove('a', 'a1');
    line.remove('a', 'a1');
    line.remove('d', 'd1');
    expect([line.size, line.countOf('a')]).toEqual([2, 1]);
    expect(leave(line)).toEqual(['a2', 'b1']);
    expect([line.size, line.countOf('a'), line.ahead('a')]).toEqual([0, 0, 0]);
  });

  test('no new item waits for more items than it says, whoever waits', () => {
    const callers = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 });
    fc.assert(
      fc.property(callers, fc.constantFrom('a', 'b', 'new'), (waiting, caller) => {
        const line = lineOf(...waiting);
        const ahead = line.ahead(caller);
        line.add(caller, 'mine');
        expect(leave(line).indexOf('mine')).toBeLessThanOrEqual(ahead);
        if (caller === 'new') expect(ahead).toBe(lineOf(...waiting).ahead());
      }),
    );
  });
});
