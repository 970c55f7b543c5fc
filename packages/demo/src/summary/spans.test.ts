import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { intersect, type Span, subtract, totalMs, union } from './spans.ts';

const span = fc
  .tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 10 }))
  .map(([from, length]): Span => ({ from, to: from + length }));
const spans = fc.array(span, { maxLength: 8 });

const covers = (list: readonly Span[], moment: number): boolean =>
  list.some(({ from, to }) => from <= moment && moment < to);
const moments = Array.from({ length: 42 }, (_, i) => i);

describe('spans', () => {
  it('that touch become one', () => {
    expect(
      union([
        { from: 5, to: 9 },
        { from: 0, to: 5 },
      ]),
    ).toEqual([{ from: 0, to: 9 }]);
  });

  test.prop([spans, spans])('hold, at each moment, what their names say', (left, right) => {
    for (const moment of moments) {
      const isLeft = covers(left, moment);
      const isRight = covers(right, moment);
      expect(covers(union([...left, ...right]), moment)).toBe(isLeft || isRight);
      expect(covers(intersect(left, right), moment)).toBe(isLeft && isRight);
      expect(covers(subtract(left, right), moment)).toBe(isLeft && !isRight);
    }
  });

  test.prop([spans])('count a moment once, however many spans hold it', (list) => {
    expect(totalMs(list)).toBe(moments.filter((moment) => covers(list, moment)).length);
  });
});
