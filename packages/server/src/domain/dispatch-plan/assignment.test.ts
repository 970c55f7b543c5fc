import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assignment } from './assignment.ts';
import { addBit, type Bits, emptyBits, listBits } from './bits.ts';

function bitsOf(members: readonly number[], size: number): Bits {
  const bits = emptyBits(size);
  for (const n of members) addBit(bits, n);
  return bits;
}

function assignmentOn(free: readonly number[]): Assignment {
  const open = free.flatMap((left, n) => (left > 0 ? [n] : []));
  return new Assignment(free, bitsOf(open, free.length));
}

/** Classes and a row of demands on them: which classes fit, how many units at once. */
const anyDemand = fc.array(fc.nat(3), { minLength: 1, maxLength: 40 }).chain((free) =>
  fc.record({
    free: fc.constant(free),
    demands: fc.array(
      fc.record({
        fitting: fc.uniqueArray(fc.nat(free.length - 1), { maxLength: 6 }),
        units: fc.constantFrom(1, 1, 1, 2, 3),
      }),
      { maxLength: 60 },
    ),
  }),
);

describe('Assignment', () => {
  it('looks at each edge between kinds and classes at most once per search', () => {
    fc.assert(
      fc.property(anyDemand, ({ free, demands }) => {
        const assignment = assignmentOn(free);
        for (const { fitting, units } of demands) {
          const before = { steps: assignment.steps, searches: assignment.searches };
          assignment.tryTake(assignment.kindOf(bitsOf(fitting, free.length)), units);
          const searches = assignment.searches - before.searches;
          expect(searches).toBeLessThanOrEqual(units);
          expect(assignment.steps - before.steps).toBeLessThanOrEqual(
            searches * assignment.kindCount * free.length,
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it('leaves no unit on a class while one that comes before it and fits is free', () => {
    fc.assert(
      fc.property(anyDemand, ({ free, demands }) => {
        const assignment = assignmentOn(free);
        const fittingOfKind = new Map<number, readonly number[]>();
        for (const { fitting, units } of demands) {
          const kind = assignment.kindOf(bitsOf(fitting, free.length));
          fittingOfKind.set(kind, fitting);
          assignment.tryTake(kind, units);
        }
        for (const n of free.keys()) {
          for (const kind of assignment.takersOf(n).keys()) {
            const better = (fittingOfKind.get(kind) ?? []).filter((other) => other < n);
            expect(assignment.isOpen(bitsOf(better, free.length))).toBe(false);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never puts more units on a class than it has free runners, and keeps all it has placed', () => {
    fc.assert(
      fc.property(anyDemand, ({ free, demands }) => {
        const assignment = assignmentOn(free);
        let placed = 0;
        for (const { fitting, units } of demands) {
          const kind = assignment.kindOf(bitsOf(fitting, free.length));
          if (assignment.tryTake(kind, units)) placed += units;
          const onClass = free.map((_, n) =>
            [...assignment.takersOf(n).values()].reduce((sum, one) => sum + one, 0),
          );
          expect(onClass.every((taken, n) => taken <= (free[n] ?? 0))).toBe(true);
          expect(onClass.reduce((sum, one) => sum + one, 0)).toBe(placed);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('closes what a failed search has seen, and searches there no more', () => {
    const assignment = assignmentOn([1, 1]);
    const both = assignment.kindOf(bitsOf([0, 1], 2));
    expect(assignment.takeUpTo(both, 5)).toBe(2);
    expect(assignment.isClosed(bitsOf([0, 1], 2))).toBe(true);
    const { steps } = assignment;
    expect(assignment.tryTake(assignment.kindOf(bitsOf([1], 2)), 1)).toBe(false);
    expect(assignment.steps).toBe(steps);
  });

  it('leaves no trace of a demand that got only some of its units', () => {
    const assignment = assignmentOn([1, 1]);
    const first = assignment.kindOf(bitsOf([0], 2));
    const both = assignment.kindOf(bitsOf([0, 1], 2));
    expect(assignment.tryTake(both, 3)).toBe(false);
    expect(assignment.tryTake(first, 1)).toBe(true);
    expect(assignment.tryTake(both, 1)).toBe(true);
  });

  it('numbers demand with the same fitting classes as one kind', () => {
    const assignment = assignmentOn([1, 1]);
    expect(assignment.kindOf(bitsOf([1], 2))).toBe(assignment.kindOf(bitsOf([1], 2)));
    expect(assignment.kindCount).toBe(1);
  });
});

describe('bit sets', () => {
  it('hold any numbers, beyond one word too', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200)), (members) => {
        expect(listBits(bitsOf(members, 201))).toEqual(members.toSorted((a, b) => a - b));
      }),
    );
  });
});
