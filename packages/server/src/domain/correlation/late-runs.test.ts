import { describe, expect, it } from 'vitest';
import { MINUTE, madeAfter, namedAfter, SECOND, sentAfter, TIMING } from './correlation.testkit.ts';
import { type LateRunInput, lateRuns } from './late-runs.ts';
import type { CandidateRun } from './window.ts';

describe('lateRuns', () => {
  const watched = [sentAfter('gone-1', 0, { state: 'absent' })];
  const nobody = { searching: [], guessed: [], namedCommits: new Set<string>() };
  const base = {
    watched,
    ...nobody,
    knownIds: { open: ['other'], settled: [] },
    timing: TIMING,
  };
  const late = (runs: CandidateRun[], over: Partial<LateRunInput> = {}) =>
    lateRuns({ ...base, runs, ...over }).map(({ runId }) => runId);

  it('finds the run of an attempt that was given up by its name or its time', () => {
    expect(late([madeAfter('1', 2 * SECOND)])).toEqual(['1']);
    expect(late([madeAfter('2', 30 * MINUTE, { name: 'gone-1' })])).toEqual(['2']);
    expect(late([madeAfter('3', 30 * MINUTE)])).toEqual([]);
  });

  it('takes none of well before the claim, however unsure the forge’s clock has turned out to be since', () => {
    const unsure = sentAfter('gone-1', 0, { state: 'absent', uncertaintyMs: 12 * SECOND });
    expect(late([madeAfter('1', -8 * SECOND)], { watched: [unsure] })).toEqual([]);
    expect(late([madeAfter('2', 2 * SECOND)], { watched: [unsure] })).toEqual(['2']);
  });

  it('of one that sends its id takes only what bears it: any other would be somebody else’s, and cancelled', () => {
    const named = { watched: [namedAfter('gone-1', 0, { state: 'absent' })] };
    expect(late([madeAfter('1', 2 * SECOND)], named)).toEqual([]);
    expect(late([madeAfter('2', 2 * SECOND, { name: 'gone-1' })], named)).toEqual(['2']);
  });

  it('cancels none of the runs for which an attempt was given up as ambiguous', () => {
    const ambiguous = sentAfter('unclear', SECOND, { state: 'ambiguous' });
    expect(late([madeAfter('1', 2 * SECOND)], { watched: [...watched, ambiguous] })).toEqual([]);
    const own = madeAfter('2', 2 * SECOND, { name: 'unclear' });
    expect(late([own], { watched: [ambiguous] })).toEqual(['2']);
  });

  it('takes no run that could belong to an attempt still looking for its own', () => {
    expect(late([madeAfter('1', 2 * SECOND)], { searching: [sentAfter('live', SECOND)] })).toEqual(
      [],
    );
  });

  it('takes no run that the last listing before the attempt was given up could not show yet', () => {
    const takenAt = (ms: number) => late([madeAfter('1', ms)]).length;
    expect(takenAt(35 * SECOND + 4 * MINUTE)).toBe(1);
    expect(takenAt(35 * SECOND + 4 * MINUTE + 1)).toBe(0);
  });

  it('takes none that was made after the claim of one that was given its run by time', () => {
    const guessed = [sentAfter('live', 5 * SECOND)];
    expect(late([madeAfter('1', 6 * SECOND)], { guessed })).toEqual([]);
    expect(late([madeAfter('1', 2 * SECOND)], { guessed })).toEqual(['1']);
  });

  it('takes none that bears the name of another attempt', () => {
    expect(late([madeAfter('1', 2 * SECOND, { name: 'Build other' })])).toEqual([]);
  });

  it('takes none of another account, though it bears the id: it goes on with what it was handed', () => {
    const named = (actor: string) => madeAfter('1', 2 * SECOND, { name: 'gone-1', actor });
    const own = madeAfter('2', 9 * SECOND, { name: 'gone-1' });
    expect(late([named('alice')])).toEqual([]);
    expect(late([named('alice'), own])).toEqual(['2']);
    // It is not told whose it is.
    expect(late([named('')])).toEqual(['1']);
  });

  it('takes none that may have been handed the id by one that bears none: it goes on with what that began', () => {
    const own = madeAfter('1', SECOND);
    const handedOn = madeAfter('2', 9 * SECOND, { name: 'gone-1' });
    const ambiguous = { watched: [namedAfter('gone-1', 0, { state: 'ambiguous' })] };
    expect(late([own, handedOn], ambiguous)).toEqual([]);
    expect(late([handedOn], ambiguous)).toEqual(['2']);
  });

  it('takes none that was made before the claim', () => {
    expect(late([madeAfter('1', -3 * SECOND), madeAfter('2', 8 * SECOND)])).toEqual(['2']);
  });

  it('takes one run per attempt', () => {
    expect(late([madeAfter('1', 2 * SECOND), madeAfter('2', 9 * SECOND)])).toEqual(['1']);
  });
});
