import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRun } from '@dispatchoor/forge-sim';
import { describe, expect, it } from 'vitest';
import { CORRELATION_INPUT } from '../../harness/fixtures.ts';
import type { AttemptRow } from '../rows.ts';
import type { Allowed } from './allowed.ts';
import type { Evidence } from './evidence.ts';
import { type Counts, verifyAll } from './verify-all.ts';

function job(id: string, over: Partial<Job> = {}): Job {
  return {
    ...{ id, group_id: 'linux', template_id: 'build', priority: 0, position: 0, paused: false },
    ...{ auto_requeue: false, requeue_limit: null, requeue_count: 0, created_by: 'admin' },
    ...{ triggered_at: null, run_url: '', runner_id: null, runner_name: '', completed_at: null },
    ...{ created_at: '', updated_at: '', inputs: { note: id }, error_message: '' },
    ...{ status: 'completed', run_id: 1 },
    ...over,
  };
}

function attempt(id: string, jobId: string, over: Partial<AttemptRow> = {}): AttemptRow {
  const ended = { state: 'accepted', ended_at: 1, error_message: '' };
  return { id, job_id: jobId, run_id: '1', ...ended, ...over };
}

type Part = LedgerRun['jobs'][number];

const part: Part = {
  ...{ id: 1, name: 'build', runAttempt: 1, labels: [], status: 'completed' },
  ...{ conclusion: 'success', runnerId: 1, runnerName: 'one' },
  ...{ createdAt: 1, startedAt: 2, completedAt: 3 },
};

function run(id: number, note: string, over: Partial<LedgerRun> = {}): LedgerRun {
  return {
    ...{ id, owner: 'acme', repo: 'app', workflow: 'build.yaml', ref: 'main', title: '' },
    ...{ actor: 'bot', createdAt: 1, visibleAt: 1, createdByRequest: 1, runAttempt: 1 },
    ...{ status: 'completed', conclusion: 'success', inputs: { note }, jobs: [part] },
    ...over,
  };
}

const cancelledRun: Partial<LedgerRun> = {
  conclusion: 'cancelled',
  jobs: [{ ...part, conclusion: 'cancelled' }],
};

/** One job, as it must be; what a test says of it instead. */
function evidence(over: Partial<Evidence> = {}): Evidence {
  return {
    ...{ promised: [job('a')], shown: [job('a')], attempts: [attempt('x', 'a')] },
    ...{ runs: [run(1, 'a')], askedAt: [], objections: [], leaks: [] },
    ...over,
  };
}

/** A job that failed, of which the forge started nothing. */
function unstarted(message: string, state: string): Evidence {
  return evidence({
    shown: [job('a', { status: 'failed', run_id: null, error_message: message })],
    attempts: [attempt('x', 'a', { state, run_id: null })],
    runs: [],
  });
}

/** The answer to the first sending was lost, and its run found when the second one had been made. */
const late = evidence({
  shown: [job('a', { run_id: 2 })],
  attempts: [attempt('x', 'a', { state: 'absent' }), attempt('y', 'a', { run_id: '2' })],
  runs: [run(1, 'a', cancelledRun), run(2, 'a')],
});

const lateAndRan = { ...late, runs: [run(1, 'a'), run(2, 'a')] };

/** Two answers were lost at once. */
const swapped = evidence({
  promised: [job('a'), job('b')],
  shown: [job('a'), job('b', { run_id: 2 })],
  attempts: [attempt('x', 'a'), attempt('y', 'b', { run_id: '2' })],
  runs: [run(1, 'b'), run(2, 'a')],
});

/** It was sent with an input that nobody queued. */
const changed = evidence({
  promised: [job('a', { inputs: { note: 'a', mode: 'fast' } })],
  runs: [run(1, 'a', { inputs: { note: 'a', mode: 'slow' } })],
});

/** Its answer was lost, and its run bears no id. */
const unclear = evidence({
  shown: [job('a', { status: 'failed', run_id: null, error_message: 'outcome-ambiguous: run 1' })],
  attempts: [attempt('x', 'a', { state: 'ambiguous', run_id: null })],
});

const cancelled = evidence({ shown: [job('a', { status: 'cancelled' })] });

const faultsOf = (seen: Evidence, allowed: Allowed = {}): readonly string[] =>
  verifyAll(seen, allowed).faults;

describe('the verifier', () => {
  it('finds nothing wrong where each job has run once', () => {
    expect(verifyAll(evidence(), {})).toEqual({
      faults: [],
      counts: expect.objectContaining({ jobs: 1, completed: 1, attempts: 1, runs: 1 } as Counts),
    });
  });

  it.each<[string, Partial<Evidence>, string]>([
    ['that is lost', { shown: [] }, 'is lost'],
    ['that is shown twice', { shown: [job('a'), job('a')] }, 'is shown 2 times'],
    ['that goes on', { shown: [job('a', { status: 'running' })] }, 'is still running'],
    ['that nobody asked for', { shown: [job('a'), job('b')] }, 'was never promised'],
    ['that shows no run', { shown: [job('a', { run_id: 0 })] }, 'shows run 0 instead of 1'],
    ['that ended well without a run', { attempts: [], runs: [] }, 'without a run'],
    ['with a word of an error', { shown: [job('a', { error_message: 'e' })] }, 'completed (e)'],
    ['that failed in spite of its run', { shown: [job('a', { status: 'failed' })] }, 'is failed'],
    ['whose run failed', { runs: [run(1, 'a', { conclusion: 'failure', jobs: [] })] }, 'failure'],
    ['that nobody cancelled', { shown: [job('a', { status: 'cancelled' })] }, 'by nobody'],
    ['with an open attempt', { attempts: [attempt('x', 'a', { state: 'unknown' })] }, 'unsettled'],
  ])('finds a job %s', (_, over, fault) => {
    expect(faultsOf(evidence(over)).join()).toContain(fault);
  });

  it.each<[string, Partial<Evidence>, string]>([
    ['beside the one of its job', { runs: [run(1, 'a'), run(2, 'a')] }, 'was started 2 times'],
    ['of no attempt', { runs: [run(1, 'a'), run(2, '?')] }, 'is not of one attempt'],
    [
      'that two attempts have',
      { attempts: [attempt('x', 'a'), attempt('y', 'a')] },
      'is not of one attempt',
    ],
    ['that the forge never made', { runs: [] }, 'which is none of ours'],
    ['of another job', { runs: [run(1, 'b')] }, 'which is that of b'],
    [
      'that its attempt does not know',
      {
        runs: [run(1, 'a', { inputs: { note: 'a', [CORRELATION_INPUT]: 'y' } })],
        attempts: [attempt('x', 'a'), attempt('y', 'a', { state: 'absent', run_id: null })],
      },
      'without its run 1',
    ],
  ])('finds a run %s', (_, over, fault) => {
    expect(faultsOf(evidence(over)).join()).toContain(fault);
  });

  it('finds what the schema validator objects to, and what a log tells', () => {
    const told = faultsOf(evidence({ objections: ['a field'], leaks: ['token=1'] }));
    expect(told).toEqual(['the schema validator objects: a field', 'a secret is logged: token=1']);
  });

  it.each<[string, Evidence, Allowed]>([
    ['a job that was cancelled by hand', cancelled, { cancelled: [job('a')] }],
    ['a job whose run was not found', unstarted('run not found', 'absent'), { notFound: 1 }],
    ['a job that was refused', unstarted('404', 'refused'), { refused: 1 }],
    ['a late run that was cancelled', late, { lateRuns: 'cancelled' }],
    ['a late run that ran', lateAndRan, { lateRuns: 'any' }],
    ['a job of which a run may be its own', unclear, { ambiguous: 1 }],
    ['so many calls', evidence({ askedAt: [0, 1] }), { forgeCallsPerMinute: 2 }],
  ])('finds nothing wrong with %s, where that is allowed', (_, seen, allowed) => {
    expect(faultsOf(seen, allowed)).toEqual([]);
  });

  it.each<[string, Evidence, Allowed]>([
    ['a job that was cancelled', cancelled, {}],
    ['a job that was to be cancelled and was not', evidence(), { cancelled: [job('a')] }],
    ['a job whose run was not found', unstarted('run not found', 'absent'), { refused: 1 }],
    ['a job that was refused', unstarted('404', 'refused'), { notFound: 1 }],
    ['a job that failed, though sent', unstarted('run not found', 'accepted'), { notFound: 1 }],
    ['a late run', late, {}],
    ['a late run that ran', lateAndRan, { lateRuns: 'cancelled' }],
    ['runs that were swapped', swapped, {}],
    ['a run with other inputs of the same job', changed, {}],
    ['a job of which a run may be its own', unclear, {}],
    ['too many calls', evidence({ askedAt: [0, 1] }), { forgeCallsPerMinute: 1 }],
  ])('finds %s, where that is not allowed', (_, seen, allowed) => {
    expect(faultsOf(seen, allowed)).not.toEqual([]);
  });

  it('counts a job that ran twice', () => {
    expect(verifyAll(lateAndRan, {}).counts['jobs doubled']).toBe(1);
  });
});
