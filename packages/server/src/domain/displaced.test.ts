import { expect, it } from 'vitest';
import { attempt, attemptWithRun, CLAIMED_AT } from './attempt.testkit.ts';
import { isDisplaced } from './displaced.ts';

const queued = attemptWithRun('queued');
const since = CLAIMED_AT + 1_000;

it.each([
  ['queued for 30 s with no free runner', queued, since + 30_000, false, true],
  ['queued a moment ago', queued, since + 29_999, false, false],
  ['queued while a runner that fits is free', queued, since + 60_000, true, false],
  ['in progress', attemptWithRun('in_progress'), since + 60_000, false, false],
  ['waiting for an approval', attemptWithRun('waiting'), since + 60_000, false, false],
  ['not known yet', attempt('a'), since + 60_000, false, false],
])('a run %s', (_what, of, now, isRunnerFree, expected) => {
  expect(isDisplaced(of, now, isRunnerFree)).toBe(expected);
});
