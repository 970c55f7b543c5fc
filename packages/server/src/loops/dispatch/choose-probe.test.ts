import { describe, expect, it } from 'vitest';
import { pendingJob } from '../../domain/dispatch-plan/dispatch-plan.testkit.ts';
import type { PendingJob, PlannedSend } from '../../domain/dispatch-state.ts';
import { chooseProbe } from './choose-probe.ts';

const send = (jobId: string): PlannedSend => ({ jobId, groupId: 'g', choices: 1 });
const job = (id: string, repo: string, workflowId = 'ci.yml'): PendingJob =>
  pendingJob(id, { repo, workflowId });
const jobs = new Map(['a', 'b', 'c'].map((repo) => [repo, job(repo, repo)]));
const choose = (failedAt: Record<string, number>, ids: readonly string[] = ['a', 'b', 'c']) =>
  chooseProbe(ids.map(send), jobs, ({ repo }) => {
    const at = failedAt[repo] ?? -Infinity;
    return { repo: at, workflow: at };
  });

describe('the probe of a credential', () => {
  it('is for a repository that has not failed, wherever it stands in the plan', () => {
    expect(choose({ a: 1, b: 2 })).toEqual([send('c')]);
  });

  it('is for the one that failed longest ago, else', () => {
    expect(choose({ a: 3, b: 1, c: 2 })).toEqual([send('b')]);
  });

  it('takes turns among repositories first, and among the workflows of one then', () => {
    const flows = new Map([
      ['a1', job('a1', 'a', 'one.yml')],
      ['a2', job('a2', 'a', 'two.yml')],
      ['a3', job('a3', 'a', 'new.yml')],
      ['b1', job('b1', 'b', 'one.yml')],
    ]);
    const among = (a: number, b: number) =>
      chooseProbe([...flows.keys()].map(send), flows, ({ repo, workflowId }) => ({
        repo: repo === 'a' ? a : b,
        workflow: { 'one.yml': 1, 'two.yml': 2 }[workflowId] ?? -Infinity,
      }));
    // A workflow that never failed says little where its repository did.
    expect(among(2, 1)).toEqual([send('b1')]);
    expect(among(2, 3)).toEqual([send('a3')]);
    flows.delete('a3');
    expect(among(2, 3)).toEqual([send('a1')]);
  });

  it('is the first of the plan where nothing tells them apart', () => {
    expect(choose({})).toEqual([send('a')]);
  });

  it('is none where the plan sends none that is known', () => {
    expect(choose({}, [])).toEqual([]);
    expect(choose({}, ['gone'])).toEqual([]);
  });
});
