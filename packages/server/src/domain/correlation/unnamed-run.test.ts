import { describe, expect, it } from 'vitest';
import { madeAfter, namedAfter, SECOND, sentAfter, TIMING } from './correlation.testkit.ts';
import { findUnnamedRun, type UnnamedRunInput } from './unnamed-run.ts';
import type { CandidateRun, SearchedAttempt } from './window.ts';

const accepted = namedAfter('a', 0, { state: 'accepted' });
const over = (id: string, ms: number, more: Partial<CandidateRun> = {}) =>
  madeAfter(id, ms, { status: 'completed', ...more });

function shown(
  attempt: SearchedAttempt,
  runs: readonly CandidateRun[],
  more: Partial<UnnamedRunInput> = {},
): string | undefined {
  const knownIds = { open: [], settled: [] };
  const input = { timing: TIMING, knownIds, runs, isComplete: true, ...more };
  return findUnnamedRun(attempt, input)?.id;
}

describe('that runs of a workflow do not bear their id', () => {
  it('is shown by the one run that may be that of an accepted attempt, and by several without an id', () => {
    expect(shown(accepted, [over('1', SECOND)])).toBe('1');
    expect(shown(accepted, [over('1', SECOND), over('2', 2 * SECOND)])).toBe('1');
  });

  it('is not shown where the answer was lost: there may be no run, and this one somebody else’s', () => {
    expect(shown({ ...accepted, state: 'unknown' }, [over('1', SECOND)])).toBeUndefined();
  });

  it('is not shown by what is told by its time anyway', () => {
    expect(shown(sentAfter('a', 0, { state: 'accepted' }), [over('1', 0)])).toBeUndefined();
  });

  it('is not shown by listings that lack runs, or show none', () => {
    expect(shown(accepted, [over('1', SECOND)], { isComplete: false })).toBeUndefined();
    expect(shown(accepted, [])).toBeUndefined();
  });

  it.each(['queued', 'waiting', 'requested', 'pending'])(
    'is not shown while the name of a run that may be its own is to come (%s)',
    (status) => {
      expect(shown(accepted, [over('1', SECOND, { status })])).toBeUndefined();
      const runs = [over('1', SECOND), over('2', SECOND, { status })];
      expect(shown(accepted, runs)).toBeUndefined();
    },
  );

  it('is not shown where one bears the id of another attempt: it shows what it is sent', () => {
    const id = '019a0000-0000-7000-8000-000000000001';
    const runs = [over('1', SECOND), over('2', SECOND, { name: `Build ${id}` })];
    const of = (knownIds: UnnamedRunInput['knownIds']) => shown(accepted, runs, { knownIds });
    expect(of({ open: [id], settled: [] })).toBeUndefined();
    expect(of({ open: [], settled: [id] })).toBeUndefined();
    // An id of something else.
    expect(of({ open: [], settled: [] })).toBe('1');
  });

  it.each([
    ['was made too late', over('1', 200 * SECOND)],
    ['was made before the claim', over('1', -10 * SECOND)],
    ['is of another account', over('1', SECOND, { actor: 'alice' })],
    ['does not tell who started it', over('1', SECOND, { actor: '' })],
    ['does not tell its branch', over('1', SECOND, { branch: '' })],
  ])('is not shown by a run that would not be taken by its time: it %s', (_, run) => {
    expect(shown(accepted, [run])).toBeUndefined();
  });
});
