import { describe, expect, it } from 'vitest';
import { dispatchReply, run, runnerPage, workflowJobPage } from './schema.ts';

const rawRun = {
  id: 2n ** 63n - 1n,
  name: 'CI',
  display_title: 'CI for 42',
  path: '.github/workflows/ci.yml@main',
  workflow_id: 7,
  event: 'workflow_dispatch',
  head_branch: null,
  actor: null,
  status: 'something_new',
  conclusion: null,
  html_url: 'https://github.com/o/r/actions/runs/1',
  created_at: '2026-01-31T12:00:00Z',
  run_started_at: '2026-01-31T12:00:01Z',
  updated_at: '2026-01-31T12:00:02Z',
  unread: 'ignored',
};

const PAGES = [
  ['https://github.com/o/r/actions/runs/1', 'https://github.com/o/r/actions/runs/1'],
  ['HTTP://ghe.test/1', 'HTTP://ghe.test/1'],
  ['javascript:alert(1)', ''],
  [' javascript:alert(1)//https://github.com', ''],
  ['data:text/html,x', ''],
  ['//evil.example', ''],
  ['https://', ''],
  ['https://a/\u0000', ''],
  ['https://a/\nb', ''],
  [17, ''],
  [null, ''],
  [undefined, ''],
] as const;

describe('a run', () => {
  it('is read with ids beyond 2^53, nulls and statuses that nobody knows', () => {
    expect(run.parse(rawRun)).toEqual({
      id: '9223372036854775807',
      attempt: 1,
      name: 'CI for 42',
      path: '.github/workflows/ci.yml',
      workflowId: '7',
      event: 'workflow_dispatch',
      headSha: '',
      branch: '',
      actor: '',
      status: 'something_new',
      conclusion: null,
      url: 'https://github.com/o/r/actions/runs/1',
      createdAt: Date.UTC(2026, 0, 31, 12),
      startedAt: Date.UTC(2026, 0, 31, 12, 0, 1),
      updatedAt: Date.UTC(2026, 0, 31, 12, 0, 2),
    });
  });

  it.each([
    ['.github/workflows/ci.yml', '.github/workflows/ci.yml'],
    ['.github/workflows/ci.yaml@main', '.github/workflows/ci.yaml'],
    ['.github/workflows/ci.yml@user@host', '.github/workflows/ci.yml'],
    ['.github/workflows/ci.yml@release/x.yml@2', '.github/workflows/ci.yml'],
    ['.github/workflows/deploy@prod.yaml', '.github/workflows/deploy@prod.yaml'],
    ['.github/workflows/deploy@prod.yaml@refs/heads/main', '.github/workflows/deploy@prod.yaml'],
    ['.github/workflows/@.yml@@', '.github/workflows/@.yml'],
    ['', ''],
  ])('of the path %j is one of the file %j', (path, file) => {
    expect(run.parse({ ...rawRun, path }).path).toBe(file);
  });

  it('without a readable time of creation is no run', () => {
    expect(run.safeParse({ ...rawRun, created_at: 'yesterday' }).success).toBe(false);
    expect(run.safeParse({ ...rawRun, created_at: null }).success).toBe(false);
  });

  it.each([0, -1, 0n, -(2n ** 60n)])('with the id %s is no run: forges count from 1', (id) => {
    expect(run.safeParse({ ...rawRun, id }).success).toBe(false);
  });

  it.each(PAGES)('shows the page %j as %j: people click on it', (html_url, url) => {
    expect(run.parse({ ...rawRun, html_url }).url).toBe(url);
  });

  it('with an id that a double has already spoilt is no run', () => {
    expect(run.safeParse({ ...rawRun, id: 2 ** 60 }).success).toBe(false);
  });
});

describe('a page of runners', () => {
  it('shows whatever is not online as offline', () => {
    const raw = { id: 1, name: 'a', os: null, status: 'sleeping', busy: false, labels: [] };
    const { entries } = runnerPage.parse({ total_count: 1, runners: [raw] });
    expect(entries).toEqual([
      {
        forgeRunnerId: '1',
        name: 'a',
        os: '',
        status: 'offline',
        isBusy: false,
        labels: [],
        isEphemeral: false,
      },
    ]);
  });
});

describe('a page of workflow jobs', () => {
  it.each([null, undefined, 0])('shows runner %s as none', (runnerId) => {
    const raw = {
      id: 1,
      run_id: 2,
      name: 'build',
      status: 'queued',
      labels: ['x'],
      runner_id: runnerId,
      runner_name: null,
      created_at: '2026-01-31T12:00:00Z',
    };
    const { entries } = workflowJobPage.parse({ total_count: 1, jobs: [raw] });
    expect(entries[0]).toMatchObject({ runnerId: null, runnerName: '', runAttempt: 1 });
  });
});

describe('the answer to a dispatch', () => {
  it('names the run and its page for people', () => {
    const raw = { workflow_run_id: 5, run_url: 'https://api/1', html_url: 'https://page/1' };
    expect(dispatchReply.parse(raw)).toEqual({ runId: '5', runUrl: 'https://page/1' });
  });

  it.each(PAGES)('shows the page %j as %j, and is no worse for it', (html_url, runUrl) => {
    expect(dispatchReply.parse({ workflow_run_id: 5, html_url })).toEqual({ runId: '5', runUrl });
  });
});
