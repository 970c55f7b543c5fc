import { describe, expect, it } from 'vitest';
import type { PendingJob, PlannedSend } from '../domain/dispatch-state.ts';
import { chooseProbe } from './choose-probe.ts';

const send = (jobId: string): PlannedSend => ({ jobId, groupId: 'g', choices: 1 });
const job = (id: string, repo: string): PendingJob => ({
  ...{ id, priority: 0, rank: 0, createdAt: 0, owner: 'acme', repo, workflowId: 'ci.yml' },
  ...{ ref: 'main', runners: 1, credentialId: 'token', isNamed: true, inputsHash: '' },
});
const jobs = new Map(['a', 'b', 'c'].map((repo) => [repo, job(repo, repo)]));
const choose = (failedAt: Record<string, number>, ids: readonly string[] = ['a', 'b', 'c']) =>
  chooseProbe(ids.map(send), jobs, ({ repo }) => failedAt[repo] ?? -Infinity);

describe('the probe of a credential', () => {
  it('is for a workflow that has not failed, wherever it stands in the plan', () => {
    expect(choose({ a: 1, b: 2 })).toEqual([send('c')]);
  });

  it('is for the one that failed longest ago, else', () => {
    expect(choose({ a: 3, b: 1, c: 2 })).toEqual([send('b')]);
  });

  it('is the first of the plan where nothing tells them apart', () => {
    expect(choose({})).toEqual([send('a')]);
  });

  it('is none where the plan sends none that is known', () => {
    expect(choose({}, [])).toEqual([]);
    expect(choose({}, ['gone'])).toEqual([]);
  });
});
