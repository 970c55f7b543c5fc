import { expect, it } from 'vitest';
import { seededRandom } from './random.ts';

const draw = (seed: number): number[] => Array.from({ length: 1_000 }, seededRandom(seed));

it('draws the same numbers from the same seed', () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

it('draws from 0 up to 1, evenly', () => {
  const numbers = draw(1);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.filter((n) => n < 0.5).length).toBeGreaterThan(400);
  expect(numbers.filter((n) => n < 0.5).length).toBeLessThan(600);
});
