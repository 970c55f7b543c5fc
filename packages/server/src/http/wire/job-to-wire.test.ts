import { Job } from '@dispatchoor/api-contract';
import { describe, expect, it } from 'vitest';
import { makeJob, noon } from '../store.testkit.ts';
import { jobToWire } from './job-to-wire.ts';

const later = noon + 60_000;
const run = { runId: '18446744', runUrl: 'https://github.com/acme/rockets/actions/runs/18446744' };

/** In every answer, whatever the job. */
const ALWAYS = [
  'auto_requeue',
  'completed_at',
  'created_at',
  'created_by',
  'error_message',
  'group_id',
  'id',
  'inputs',
  'paused',
  'position',
  'priority',
  'requeue_count',
  'requeue_limit',
  'run_id',
  'run_url',
  'runner_id',
  'runner_name',
  'status',
  'template_id',
  'triggered_at',
  'updated_at',
];

const keysOf = (value: object): string[] => Object.keys(value).sort();

describe('a job on the wire', () => {
  it('has exactly the fields that are always present when nothing was overridden', () => {
    const pending = makeJob();
    const triggered = makeJob({ state: 'triggered', triggeredAt: later });
    const running = makeJob({ ...run, state: 'running', triggeredAt: later });
    const ended = makeJob({ ...run, state: 'completed', triggeredAt: later, completedAt: later });
    for (const job of [pending, triggered, running, ended]) {
      expect(keysOf(jobToWire(job))).toEqual(ALWAYS);
    }
  });

  it('adds owner, repo, workflow_id, ref, name and labels to a manual job', () => {
    const target = { owner: 'acme', repo: 'rockets', workflowId: 'build.yml', ref: 'main' };
    const manual = makeJob({ ...target, templateId: null, name: 'by hand', labels: { a: 'b' } });
    const wire = jobToWire(manual);
    expect(keysOf(wire)).toEqual(
      [...ALWAYS, 'labels', 'name', 'owner', 'ref', 'repo', 'workflow_id'].sort(),
    );
    expect(wire).toMatchObject({ template_id: '', workflow_id: 'build.yml', name: 'by hand' });
  });

  it('shows a blanked override as "" and leaves empty labels out', () => {
    const wire = jobToWire(makeJob({ owner: '', labels: {} }));
    expect(wire.owner).toBe('');
    expect(wire).not.toHaveProperty('labels');
    expect(wire).not.toHaveProperty('repo');
  });

  it('tells run_id as null before the trigger, 0 until the run is known, then as a number', () => {
    const triggered = { state: 'triggered', triggeredAt: later } as const;
    expect(jobToWire(makeJob()).run_id).toBeNull();
    expect(jobToWire(makeJob(triggered)).run_id).toBe(0);
    expect(jobToWire(makeJob({ ...triggered, ...run })).run_id).toBe(18_446_744);
    expect(jobToWire(makeJob({ state: 'failed', completedAt: later })).run_id).toBeNull();
  });

  it('tells ids of runners as numbers and times as RFC 3339 in UTC', () => {
    const wire = jobToWire(
      makeJob({ ...run, state: 'running', triggeredAt: later, runnerId: '42', runnerName: 'r-42' }),
    );
    expect(wire).toMatchObject({
      runner_id: 42,
      runner_name: 'r-42',
      run_url: run.runUrl,
      created_at: '2026-01-01T12:00:00.000Z',
      triggered_at: '2026-01-01T12:01:00.000Z',
      completed_at: null,
    });
  });

  it('keeps null apart from empty where the contract does', () => {
    expect(jobToWire(makeJob({ inputs: null })).inputs).toBeNull();
    expect(jobToWire(makeJob({ inputs: {} })).inputs).toEqual({});
    expect(jobToWire(makeJob()).requeue_limit).toBeNull();
    expect(jobToWire(makeJob({ requeueLimit: 0 })).requeue_limit).toBe(0);
    expect(jobToWire(makeJob())).toMatchObject({ run_url: '', runner_name: '', error_message: '' });
  });

  it.each(['pending', 'triggered', 'running', 'completed', 'failed', 'cancelled'] as const)(
    'is what the contract schema says while %s',
    (state) => {
      const wire = jobToWire(makeJob({ state, triggeredAt: later, completedAt: later }));
      expect(Job.parse(wire)).toEqual(wire);
      expect(wire.status).toBe(state);
    },
  );
});
