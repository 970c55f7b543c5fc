import { expect, it } from 'vitest';
import { OwedPolls } from './owed-polls.ts';

const poll = { isSoon: false, isWatched: false, restarted: new Set<string>() };

it('is owed once, with all that was to be looked at, and when its repository is free', () => {
  const owed = new OwedPolls();
  owed.add('acme/slow', { ...poll, isWatched: true, restarted: new Set(['a']) });
  owed.add('acme/slow', { ...poll, isSoon: true, restarted: new Set(['b']) });
  owed.add('acme/app', poll);
  expect(owed.isSoon('acme/slow')).toBe(true);
  expect(owed.isSoon('acme/app')).toBe(false);
  expect([...owed.take((key) => key === 'acme/app').keys()]).toEqual(['acme/app']);
  const all = { isSoon: true, isWatched: true, restarted: new Set(['a', 'b']) };
  expect([...owed.take(() => true)]).toEqual([['acme/slow', all]]);
  expect(owed.take(() => true).size).toBe(0);
});
