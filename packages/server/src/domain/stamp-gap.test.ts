import { expect, it } from 'vitest';
import { attempt, CLAIMED_AT } from './attempt.testkit.ts';
import type { Attempt } from './attempt.ts';
import { findStampGap } from './stamp-gap.ts';

const REQUEST_TIMEOUT_MS = 30_000;
const NOW = { offsetMs: 0, uncertaintyMs: 500 };

const stamped = (afterMs: number, over: Partial<Attempt> = {}) => ({
  ...attempt('a', { matchedBy: 'reply', ...over }),
  runId: '7',
  runCreatedAt: CLAIMED_AT + afterMs,
  answeredAt: null as number | null,
});

const find = (afterMs: number, over: Partial<Attempt> = {}, now = NOW) =>
  findStampGap([stamped(afterMs, over)], now, REQUEST_TIMEOUT_MS);

it('shows nothing by a run that is stamped between its claim and the last answer to its request', () => {
  for (const afterMs of [-1_500, -1_000, 0, 5_000, 35_500]) expect(find(afterMs)).toBeUndefined();
});

it('shows by a run that is stamped before its own claim that stamps lag', () => {
  expect(find(-3_000)).toEqual({ runId: '7', shownMs: 3_000, is: 'behind', unsureMs: 13_500 });
  expect(find(-3_000, { matchedBy: 'input' })).toMatchObject({ is: 'behind' });
});

it('shows by a run that is stamped after its answer must have come that stamps are ahead', () => {
  expect(find(95_000)).toEqual({ runId: '7', shownMs: 60_000, is: 'ahead', unsureMs: 95_500 });
  // It may be a copy that somebody started by hand.
  expect(find(95_000, { matchedBy: 'input' })).toBeUndefined();
});

it('shows by a run that is stamped after its answer, however soon that came: half a minute ahead went unseen', () => {
  const answered = (runAfterMs: number) => ({
    ...stamped(runAfterMs),
    answeredAt: CLAIMED_AT + 400,
  });
  const found = (runAfterMs: number, now = NOW) =>
    findStampGap([answered(runAfterMs)], now, REQUEST_TIMEOUT_MS);
  expect(found(900)).toBeUndefined();
  expect(found(30_400)).toEqual({ runId: '7', shownMs: 30_000, is: 'ahead', unsureMs: 30_900 });
  expect(found(30_400, { ...NOW, uncertaintyMs: 30_000 })).toBeUndefined();
});

it('goes by the widest of several', () => {
  const runs = [stamped(-2_000), stamped(-9_000), stamped(1_000)];
  expect(findStampGap(runs, NOW, REQUEST_TIMEOUT_MS)).toMatchObject({ shownMs: 9_000 });
});

it('shows nothing where the forge’s clock was stepped since, or ours', () => {
  const hour = 3_600_000;
  // The forge's clock was put back between the claim and the run.
  expect(find(-hour, {}, { ...NOW, offsetMs: -hour })).toBeUndefined();
  // Our clock was an hour ahead at the claim, and is put right.
  const ahead = { forgeClaimedAt: CLAIMED_AT - hour, forgeSendDeadline: CLAIMED_AT - hour + 5_000 };
  expect(find(-hour + 1_000, ahead, NOW)).toBeUndefined();
});

it('shows nothing by a claim that was made before a step of our clock was known, however it was stepped since', () => {
  const MINUTE = 60_000;
  // Ours was put back by ten minutes, and then to a minute ahead of the forge's.
  const claim = { claimedAt: CLAIMED_AT - 10 * MINUTE };
  expect(find(1_000, claim, { ...NOW, offsetMs: -MINUTE })).toBeUndefined();
});

it('shows nothing that the forge’s clock is not known well enough for', () => {
  expect(find(-3_000, {}, { offsetMs: 0, uncertaintyMs: 60_000 })).toBeUndefined();
});

it('is not hidden by claims that were made knowing of it', () => {
  expect(find(-3_000, { forgeUncertaintyMs: 13_500 })).toMatchObject({ shownMs: 3_000 });
});
