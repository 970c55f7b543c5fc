import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACTIVE_STATES,
  assertMove,
  ENDED_STATES,
  endOf,
  JOB_MOVES,
  type JobState,
  mayMove,
  missingTargetFields,
  requeueBackoffMs,
  requeueOf,
  targetOf,
} from './job.ts';

const STATES: readonly JobState[] = ['pending', ...ACTIVE_STATES, ...ENDED_STATES];
const NOW = 1_700_000_000_000;

describe('the moves of a job', () => {
  it('lead from no row to pending only, and reach every state from there', () => {
    expect(STATES.filter((state) => mayMove(null, state))).toEqual(['pending']);
    const reached = new Set<JobState>(['pending']);
    for (const from of reached) {
      for (const to of STATES) if (mayMove(from, to)) reached.add(to);
    }
    expect([...reached].sort()).toEqual([...STATES].sort());
  });

  it('never lead out of an end to another state (defect #4)', () => {
    for (const from of ENDED_STATES) {
      expect(STATES.filter((to) => mayMove(from, to))).toEqual([]);
    }
  });

  it('never lead from an active state to nothing: only pending and failed jobs are deleted by people', () => {
    for (const from of ACTIVE_STATES) expect(mayMove(from, null)).toBe(false);
  });

  it('return a job to pending only from triggered (defect #2)', () => {
    expect(STATES.filter((from) => mayMove(from, 'pending'))).toEqual(['triggered']);
  });

  it('are listed once each', () => {
    const edges = JOB_MOVES.map(({ from, to }) => `${from} ${to}`);
    expect(new Set(edges).size).toBe(edges.length);
  });

  it('are asserted by name', () => {
    expect(() => {
      assertMove('completed', 'running');
    }).toThrow('no edge completed -> running');
    expect(() => {
      assertMove(null, null);
    }).toThrow('no edge nothing -> nothing');
    assertMove('triggered', 'running');
  });
});

describe('the end of a run', () => {
  it.each([
    ['success', 'completed'],
    ['skipped', 'completed'],
    ['neutral', 'completed'],
    ['cancelled', 'cancelled'],
    ['failure', 'failed'],
    ['timed_out', 'failed'],
    ['action_required', 'failed'],
    ['stale', 'failed'],
    ['startup_failure', 'failed'],
    ['something new', 'failed'],
    [null, 'failed'],
  ])('%s makes the job %s (defect #17)', (conclusion, end) => {
    expect(endOf(conclusion)).toBe(end);
  });
});

describe('a requeue', () => {
  const chain = { autoRequeue: true, requeueLimit: null, requeueCount: 0, failureCount: 0 };

  it('starts at once after a success or a person’s cancel, and forgets the failures before it', () => {
    for (const end of ['completed', 'cancelled'] as const) {
      expect(requeueOf({ ...chain, failureCount: 3 }, end, NOW)).toEqual({
        requeueCount: 1,
        failureCount: 0,
        notBefore: null,
      });
    }
  });

  it('after a cancel by the forge waits as after a failure', () => {
    expect(requeueOf({ ...chain, failureCount: 1 }, 'cancelled-by-forge', NOW)).toEqual({
      requeueCount: 1,
      failureCount: 2,
      notBefore: NOW + 60_000,
    });
  });

  it('backs off after each failure in a row: 30 s, 1 min, 2 min, up to 15 min (defect #16)', () => {
    expect([0, 1, 2, 3, 5, 6, 100].map(requeueBackoffMs)).toEqual([
      0, 30_000, 60_000, 120_000, 480_000, 900_000, 900_000,
    ]);
    expect(requeueOf({ ...chain, failureCount: 1 }, 'failed', NOW)).toMatchObject({
      failureCount: 2,
      notBefore: NOW + 60_000,
    });
  });

  it('with limit N makes N+1 runs, and none without auto-requeue', () => {
    const runsOf = (autoRequeue: boolean, requeueLimit: number) => {
      let runs = 1;
      let job = { ...chain, autoRequeue, requeueLimit };
      for (;;) {
        const next = requeueOf(job, 'completed', NOW);
        if (next === undefined) return runs;
        job = { ...job, ...next };
        runs++;
      }
    };
    expect([0, 1, 3].map((limit) => runsOf(true, limit))).toEqual([1, 2, 4]);
    expect(runsOf(false, 3)).toBe(1);
  });

  it('never waits longer than a quarter of an hour, and never starts in the past', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...ENDED_STATES), (failureCount, end) => {
        const notBefore = requeueOf({ ...chain, failureCount }, end, NOW)?.notBefore ?? NOW;
        expect(notBefore).toBeGreaterThanOrEqual(NOW);
        expect(notBefore).toBeLessThanOrEqual(NOW + 900_000);
      }),
    );
  });
});

describe('the target of a job', () => {
  const template = { owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main' };
  const none = { owner: null, repo: null, workflowId: null, ref: null };

  it('is its overrides over its template; a blank falls back to the template', () => {
    expect(targetOf({ ...none, ref: 'dev', repo: '' }, template)).toEqual({
      ...template,
      ref: 'dev',
    });
  });

  it('names what neither gives', () => {
    expect(missingTargetFields(targetOf({ ...none, repo: 'app' }, undefined))).toEqual([
      'owner',
      'workflow_id',
      'ref',
    ]);
    expect(missingTargetFields(targetOf(none, template))).toEqual([]);
  });
});
