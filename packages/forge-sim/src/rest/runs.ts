import type { Forge } from '../forge.ts';
import type { Run } from '../world/state.ts';
import { getVisibleRepo, getVisibleRun, mustBeAbleToWrite } from './access.ts';
import { pageOf } from './paging.ts';
import { type Endpoint, notFound, RestError, type RestRequest } from './rest.ts';
import { jobBody, runBody } from './run-body.ts';
import { isSearch, runFilter } from './run-filter.ts';

/** GitHub's run search never shows more, whatever the page. */
const MAX_SEARCH_RESULTS = 1_000;

function runsOfPath(request: RestRequest, forge: Forge): Run[] {
  const repo = getVisibleRepo(request, forge);
  const idOrFile = request.params['workflow_id'];
  const workflow = idOrFile === undefined ? undefined : forge.state.findWorkflow(repo, idOrFile);
  if (idOrFile !== undefined && workflow === undefined) throw notFound();
  return [...forge.state.runs.values()].filter(
    (run) =>
      run.isVisible &&
      run.deletedAt === null &&
      run.workflow.repo === repo &&
      (workflow === undefined || run.workflow === workflow),
  );
}

const listRunsEndpoint: Endpoint = {
  name: 'listRuns',
  method: 'GET',
  paths: [
    '/repos/:owner/:repo/actions/runs',
    '/repos/:owner/:repo/actions/workflows/:workflow_id/runs',
  ],
  docs: 'actions/workflow-runs#list-workflow-runs-for-a-repository',
  handle: (request, forge) => {
    const isBlind = forge.runs.isSearchBlind && isSearch(request.query);
    const found = isBlind ? [] : runsOfPath(request, forge).filter(runFilter(request.query));
    const newestFirst = found.sort((a, b) => b.createdAt - a.createdAt || b.id - a.id);
    const shown = newestFirst.slice(0, MAX_SEARCH_RESULTS);
    const { items, headers } = pageOf(request, shown, forge.urls.api);
    const runs = items.map((run) => runBody(run, forge));
    return { status: 200, body: { total_count: found.length, workflow_runs: runs }, headers };
  },
};

const getRunEndpoint: Endpoint = {
  name: 'getRun',
  method: 'GET',
  paths: ['/repos/:owner/:repo/actions/runs/:run_id'],
  docs: 'actions/workflow-runs#get-a-workflow-run',
  handle: (request, forge) => ({
    status: 200,
    body: runBody(getVisibleRun(request, forge), forge),
  }),
};

const getRunAttemptEndpoint: Endpoint = {
  name: 'getRunAttempt',
  method: 'GET',
  paths: ['/repos/:owner/:repo/actions/runs/:run_id/attempts/:attempt_number'],
  docs: 'actions/workflow-runs#get-a-workflow-run-attempt',
  handle: (request, forge) => {
    const run = getVisibleRun(request, forge);
    const number = Number(request.params['attempt_number']);
    const ended = run.earlierAttempts[number - 1];
    if (ended === undefined && number !== run.runAttempt) throw notFound();
    const then: Run =
      ended === undefined ? run : { ...run, ...ended, runAttempt: number, status: 'completed' };
    return { status: 200, body: runBody(then, forge) };
  },
};

const listRunJobsEndpoint: Endpoint = {
  name: 'listRunJobs',
  method: 'GET',
  paths: ['/repos/:owner/:repo/actions/runs/:run_id/jobs'],
  docs: 'actions/workflow-jobs#list-jobs-for-a-workflow-run',
  handle: (request, forge) => {
    const run = getVisibleRun(request, forge);
    const isAll = request.query['filter'] === 'all';
    const jobs = isAll ? [...run.earlierJobs, ...run.jobs] : run.jobs;
    // A job whose needs are not done does not exist on the forge yet.
    const shown = jobs.filter((job) => job.status !== 'blocked');
    const { items, headers } = pageOf(request, shown, forge.urls.api);
    const body = { total_count: shown.length, jobs: items.map((job) => jobBody(job, forge)) };
    return { status: 200, body, headers };
  },
};

const cancelEndpoint: Endpoint = {
  name: 'cancel',
  method: 'POST',
  paths: ['/repos/:owner/:repo/actions/runs/:run_id/cancel'],
  docs: 'actions/workflow-runs#cancel-a-workflow-run',
  handle: (request, forge) => {
    const run = getVisibleRun(request, forge);
    mustBeAbleToWrite(request.token);
    if (!forge.runs.tryCancel(run)) throw alreadyCompleted();
    return { status: 202, body: {} };
  },
};

const forceCancelEndpoint: Endpoint = {
  name: 'forceCancel',
  method: 'POST',
  paths: ['/repos/:owner/:repo/actions/runs/:run_id/force-cancel'],
  docs: 'actions/workflow-runs#force-cancel-a-workflow-run',
  handle: (request, forge) => {
    const run = getVisibleRun(request, forge);
    mustBeAbleToWrite(request.token);
    if (!forge.runs.tryForceCancel(run)) throw alreadyCompleted();
    return { status: 202, body: {} };
  },
};

function alreadyCompleted(): RestError {
  return new RestError(409, 'Cannot cancel a workflow run that is completed.');
}

export const runEndpoints: readonly Endpoint[] = [
  listRunsEndpoint,
  getRunEndpoint,
  getRunAttemptEndpoint,
  listRunJobsEndpoint,
  cancelEndpoint,
  forceCancelEndpoint,
];
