import { expect, it } from 'vitest';
import { deepFreeze } from './deep-freeze.ts';

it('freezes what is inside too', () => {
  const value = deepFreeze({ list: [{ name: 'a' }], none: null });
  expect(Object.isFrozen(value)).toBe(true);
  expect(Object.isFrozen(value.list)).toBe(true);
  expect(Object.isFrozen(value.list[0])).toBe(true);
});
