import { expect, it } from 'vitest';
import { type DueFacts, nextPlanAt } from './due.ts';

const facts: DueFacts = {
  nextDueAt: null,
  groups: [{ limit: 'rate-limited', retryAt: null }],
  limitedUntil: null,
  gateOpensAt: 900,
};
const due = (over: Partial<DueFacts> = {}) => nextPlanAt({ ...facts, ...over });

it('is the first of all moments that are known', () => {
  const groups = [{ limit: null, retryAt: 700 }];
  expect(due({ groups, nextDueAt: 800, limitedUntil: 600 })).toBe(600);
  expect(due({ groups, nextDueAt: 800 })).toBe(700);
  expect(due({ groups: [], nextDueAt: 800 })).toBe(800);
  expect(due({ groups: [] })).toBeNull();
});

it('is when the gate that the plan has used up opens again, where it is what stops a group', () => {
  expect(due()).toBe(900);
  expect(due({ groups: [{ limit: 'runners', retryAt: null }] })).toBeNull();
});

it('is nobody knows when where the gate does not know: a plan for nothing would be made again and again', () => {
  expect(due({ gateOpensAt: null })).toBeNull();
});
