import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT, run } from '../../domain/attempt.testkit.ts';
import type { Attempt, Run } from '../../domain/attempt.ts';
import type { Forge, RunFilter } from '../../forge/forge.ts';
import { makeLogger } from '../../lib/logger.ts';
import type { RunStore } from '../../store/port/runs.ts';
import type { Store } from '../../store/port/store.ts';
import { isGuessed, isOnlyRun, RunsNotListed } from './guessed-run.ts';

const OURS = run('7');
const OTHER = run('8', { createdAt: CLAIMED_AT + 2_000 });

/** It has run 7 by its time alone. */
const guessed = attempt('a', {
  ...{ state: 'found', matchedBy: 'order', runId: '7', cancelWantedAt: CLAIMED_AT + 9_000 },
});

interface Fixture {
  /** By the forge's search over runs. */
  readonly found: readonly Run[];
  /** By its plain listing. */
  readonly plain: readonly Run[];
  readonly isPlainComplete?: boolean;
  /** Other attempts that have not ended. */
  readonly live?: readonly Attempt[];
  /** Runs that belong to an attempt. */
  readonly owned?: readonly string[];
  readonly areStampsAhead?: boolean;
}

async function ask({
  found,
  plain,
  isPlainComplete = true,
  live = [],
  owned = [],
  areStampsAhead = false,
}: Fixture) {
  const told: string[] = [];
  const asked: RunFilter[] = [];
  const forge: Partial<Forge> = {
    id: 'github',
    credentialFor: () =>
      ({ budgetId: 'token/1', actor: 'bot' }) as ReturnType<Forge['credentialFor']>,
    listRuns: (_owner, _repo, filter) => {
      asked.push(filter);
      const isPlain = filter.isPlain === true;
      const times = { sentAt: CLAIMED_AT, forgeSentAt: CLAIMED_AT };
      const runs = isPlain ? plain : found;
      return Promise.resolve({ ...times, runs, isComplete: isPlain ? isPlainComplete : true });
    },
  };
  const runs: Partial<RunStore> = {
    listLive: () => Promise.resolve([guessed, ...live]),
    listOwnedRunIds: () => Promise.resolve(new Set(['7', ...owned])),
    concludeAmbiguous: (id, message, how) => {
      told.push(`${id} lets go of ${how?.guessedRunId ?? 'nothing'}: ${message}`);
      return Promise.resolve(true);
    },
  };
  const deps = {
    ...{ forge: forge as Forge, store: { runs } as Store, logger: makeLogger('silent') },
    stamps: {
      offset: () =>
        Promise.resolve({ offsetMs: 0, uncertaintyMs: 0, areStampsAhead, areStampsKnown: true }),
    },
    ...{ requestTimeoutMs: 30_000, runLookupTimeoutMs: 300_000, recheckAfterMs: 60_000 },
  };
  const isOnly = isOnlyRun(deps, guessed, OURS, new AbortController().signal);
  return { isOnly: await isOnly.catch((error: unknown) => error), told, asked };
}

describe('a run that is known by its time alone', () => {
  it('may be ended where both kinds of listings show it and no other', async () => {
    const { isOnly, told, asked } = await ask({ found: [OURS], plain: [OURS] });
    expect([isOnly, told]).toEqual([true, []]);
    expect(asked.map(({ isPlain = false }) => isPlain)).toEqual([true, false]);
    for (const { createdSince } of asked) expect(createdSince).toBeLessThan(CLAIMED_AT);
  });

  it.each<[string, Pick<Fixture, 'found' | 'plain'>]>([
    ['the plain listing, beside a search that shows none,', { found: [], plain: [OURS, OTHER] }],
    ['the plain listing alone', { found: [OURS], plain: [OURS, OTHER] }],
    ['the search alone', { found: [OURS, OTHER], plain: [OURS] }],
  ])('is let go of where %s shows another that may be meant', async (_what, fixture) => {
    const { isOnly, told } = await ask(fixture);
    expect(isOnly).toBe(false);
    expect(told).toEqual([expect.stringMatching(/^a lets go of 7: .*\b7, 8\b/)]);
  });

  it.each<[string, Fixture]>([
    ['does not show it', { found: [OURS], plain: [] }],
    ['was cut short', { found: [OURS], plain: [OURS], isPlainComplete: false }],
  ])('is neither ended nor let go of while the plain listing %s', async (_what, fixture) => {
    const { isOnly, told } = await ask(fixture);
    expect(isOnly).toBeInstanceOf(RunsNotListed);
    expect(String(isOnly)).toContain('run 7');
    expect(told).toEqual([]);
  });

  it.each<[string, Partial<Run>]>([
    ['of another ref', { branch: 'next' }],
    ['of another workflow', { path: '.github/workflows/x.yml' }],
    ['of somebody else', { actor: 'alice' }],
    ['made before it was asked for', { createdAt: CLAIMED_AT - 30_000 }],
  ])('may be ended beside one %s', async (_what, over) => {
    const both = [OURS, run('8', over)];
    expect(await ask({ found: both, plain: both })).toMatchObject({ isOnly: true, told: [] });
  });

  it('is let go of once it has shown that runs are stamped later than they are made', async () => {
    const { isOnly, told } = await ask({ found: [OURS], plain: [OURS], areStampsAhead: true });
    expect(isOnly).toBe(false);
    expect(told).toEqual([expect.stringMatching(/^a lets go of 7: /)]);
  });

  it('may be ended beside one that another attempt has', async () => {
    const both = [OURS, OTHER];
    const { isOnly } = await ask({ found: both, plain: both, owned: ['8'] });
    expect(isOnly).toBe(true);
  });

  it('waits for the attempt that still looks for its own among them', async () => {
    const seeker = attempt('b', { claimedAt: CLAIMED_AT + 1_000 });
    const both = [OURS, OTHER];
    const fixture = { found: both, plain: both };
    expect(await ask({ ...fixture, live: [seeker] })).toMatchObject({ isOnly: false, told: [] });
    const elsewhere = { ...seeker, repo: 'lib' };
    expect((await ask({ ...fixture, live: [elsewhere] })).told).toHaveLength(1);
  });
});

it('a late run of what was given up is not guessed: the listings before have shown none', () => {
  expect(isGuessed(guessed)).toBe(true);
  expect(isGuessed({ ...guessed, matchedBy: 'input' })).toBe(false);
  expect(isGuessed({ ...guessed, state: 'absent' })).toBe(false);
});
