import { describe, expect, it } from 'vitest';
import { CLAIMED_AT } from '../attempt.testkit.ts';
import { decide, MINUTE, madeAfter, namedAfter, OVER, SECOND } from './correlation.testkit.ts';
import type { CorrelationInput } from './correlation.ts';
import type { ElsewhereRun } from './elsewhere.ts';

/** As late as anything is concluded. */
const LATE = CLAIMED_AT + 35 * SECOND + 6 * MINUTE;

const elsewhere = (id: string, over: Partial<ElsewhereRun> = {}): ElsewhereRun => ({
  ...madeAfter(id, 2 * SECOND, { name: 'Deploy a-1', path: '.github/workflows/deploy.yml' }),
  isOwned: false,
  ...over,
});

describe('a run of another file or branch that bears the id of an attempt', () => {
  const sent = namedAfter('a-1', 0, { missingSince: OVER });
  const decided = (run: ElsewhereRun, over: Partial<CorrelationInput> = {}, listedAt = LATE) =>
    decide({ attempts: [sent], elsewhere: [run], listedAt, ...over })['a-1'];

  it('is its own, of a renamed workflow, once it would be called absent', () => {
    expect(decided(elsewhere('7'), {}, OVER)).toBe('missing');
    expect(decided(elsewhere('7'))).toBe('7 as renamed');
  });

  it.each([
    ['another attempt has it', { isOwned: true }],
    ['another account started it', { actor: 'alice' }],
    ['it does not tell who started it', { actor: '' }],
    ['it was made later than its own can be', { createdAt: CLAIMED_AT + 200 * SECOND }],
    ['it bears the newer id of another', { name: 'Deploy a-1 b-2' }],
  ])(
    'is not taken where it may have been handed the id, and forbids to send again: %s',
    (_, over) => {
      const knownIds = { open: ['b-2'], settled: [] };
      expect(decided(elsewhere('7', over), { knownIds })).toBe('ambiguous: 7');
    },
  );

  it('is not taken beside a second one, or one of its own key that bears none, whatever that commit has shown', () => {
    const both = [elsewhere('7'), elsewhere('8')];
    expect(decided(elsewhere('7'), { elsewhere: both })).toBe('ambiguous: 7 8');
    const nameless = madeAfter('6', SECOND, { status: 'in_progress', headSha: 'known' });
    expect(decided(elsewhere('7'), { runs: [nameless] })).toBe('ambiguous: 6 7');
    const namedCommits = new Set(['["dispatch-id","known"]']);
    expect(decided(elsewhere('7'), { runs: [nameless], namedCommits })).toBe('ambiguous: 7');
  });

  it('is not taken for that of one whose own run would not bear the id', () => {
    const attempts = [{ ...sent, isNamed: false }];
    expect(decided(elsewhere('7'), { attempts })).toBe('ambiguous: 7');
  });

  it('is taken where nobody knows who sent it, nor who started it', () => {
    const attempts = [{ ...sent, actor: '', actorNow: '' }];
    expect(decided(elsewhere('7', { actor: '' }), { attempts })).toBe('7 as renamed');
    expect(decided(elsewhere('7'), { attempts })).toBe('ambiguous: 7');
  });

  it('is nothing to one that has its own run', () => {
    const runs = [madeAfter('9', SECOND, { name: 'Build a-1' })];
    expect(decided(elsewhere('7'), { runs })).toBe('9 by input');
  });
});

it('a run of its own key that bears the newer id of another key’s is nobody’s here, and forbids to send again', () => {
  const attempts = [namedAfter('a-1', 0, { missingSince: OVER })];
  const runs = [madeAfter('7', 200 * SECOND, { name: 'Build a-1 b-2', actor: 'alice' })];
  const knownIds = { open: ['b-2'], settled: ['b-2'] };
  expect(decide({ attempts, runs, knownIds, listedAt: LATE })).toEqual({ 'a-1': 'ambiguous: 7' });
});
