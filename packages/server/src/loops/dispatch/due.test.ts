import { expect, it } from 'vitest';
import { type DueFacts, nextPlanAt } from './due.ts';

const facts: DueFacts = {
  nextDueAt: null,
  groups: [{ limit: 'rate-limited', retryAt: null }],
  limitedUntil: null,
  credential: { dispatchesLeft: 0, retryAt: 900 },
  now: 500,
};
const due = (over: Partial<DueFacts> = {}) => nextPlanAt({ ...facts, ...over });

it('is the first of all moments that are known', () => {
  const groups = [{ limit: null, retryAt: 700 }];
  expect(due({ groups, nextDueAt: 800, limitedUntil: 600 })).toBe(600);
  expect(due({ groups, nextDueAt: 800 })).toBe(700);
  expect(due({ groups: [], nextDueAt: 800 })).toBe(800);
  expect(due({ groups: [] })).toBeNull();
});

it('is when the allowance that the plan has used up is there again', () => {
  expect(due()).toBe(900);
  expect(due({ groups: [{ limit: 'runners', retryAt: null }] })).toBeNull();
});

it('is now when sending took so long that the allowance is there already', () => {
  expect(due({ credential: { dispatchesLeft: 1, retryAt: null } })).toBe(500);
});

it('is nobody knows when without an allowance to come: a plan for nothing would be made again and again', () => {
  expect(due({ credential: { dispatchesLeft: 0, retryAt: null } })).toBeNull();
  expect(due({ credential: { dispatchesLeft: null, retryAt: null } })).toBeNull();
});
