import type { Run, WorkflowJob } from '../../domain/attempt.ts';
import { ForgeError, type Observed } from '../forge.ts';
import { ACTIONS_READ, ACTIONS_WRITE, type Call } from './call.ts';
import { type GithubClient, parseAnswer } from './client.ts';
import type { RunPlace } from './list-runs.ts';
import { distinct, isOneShortPage, type Page, PageBudget, readList } from './pages.ts';
import { run as runSchema, workflowJobPage } from './schema.ts';

/** Typed as a mere GET or POST: octokit's own type of `run_id` is a number, which would spoil ids beyond 2^53. */
const ROUTES = {
  run: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}' as `GET ${string}`,
  firstAttempt: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/1' as `GET ${string}`,
  jobs: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs' as `GET ${string}`,
  cancel: 'POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel' as `POST ${string}`,
  'force-cancel':
    'POST /repos/{owner}/{repo}/actions/runs/{run_id}/force-cancel' as `POST ${string}`,
};

export interface RunAddress extends RunPlace {
  readonly runId: string;
}

/** @throws ForgeError */
export function getRun(
  client: GithubClient,
  address: RunAddress,
  signal: AbortSignal,
  purpose: 'cancel' | 'lookup' | 'track' = 'track',
): Promise<Observed & { readonly run: Run }> {
  const call = { ...readCall(address, 'getRun', `read run ${nameOf(address)}`), share: purpose };
  return readRun(client, call, { route: ROUTES.run, address, signal });
}

/** @throws ForgeError */
export function getFirstAttempt(
  client: GithubClient,
  address: RunAddress,
  signal: AbortSignal,
): Promise<Observed & { readonly run: Run }> {
  const call = readCall(
    address,
    'getRunAttempt',
    `read the first attempt of run ${nameOf(address)}`,
  );
  return readRun(client, call, { route: ROUTES.firstAttempt, address, signal });
}

interface RunRead {
  readonly route: `GET ${string}`;
  readonly address: RunAddress;
  readonly signal: AbortSignal;
}

async function readRun(
  client: GithubClient,
  call: Call,
  { route, address, signal }: RunRead,
): Promise<Observed & { readonly run: Run }> {
  await client.admit(call);
  const answer = await client.ask(call, signal, (request) => request(route, parametersOf(address)));
  const { sentAt, forgeSentAt } = answer;
  return { run: parseAnswer(runSchema, answer, call), sentAt, forgeSentAt };
}

/** @throws ForgeError */
export async function listRunJobs(
  client: GithubClient,
  address: RunAddress,
  signal: AbortSignal,
): Promise<Observed & { readonly jobs: readonly WorkflowJob[] }> {
  const call = readCall(address, 'listRunJobs', `list the jobs of run ${nameOf(address)}`);
  await client.admit(call);
  return client.pageSizes.read(`workflow jobs of runs of ${repoOf(address)}`, (perPage) =>
    readJobs({ client, call, signal }, address, perPage),
  );
}

interface JobReader {
  readonly client: GithubClient;
  readonly call: Call;
  readonly signal: AbortSignal;
}

async function readJobs(
  { client, call, signal }: JobReader,
  address: RunAddress,
  perPage: number,
): Promise<Observed & { readonly jobs: readonly WorkflowJob[] }> {
  const read = async (page: number, either: AbortSignal): Promise<JobPage> => {
    const answer = await client.ask(call, either, (request) =>
      request(ROUTES.jobs, {
        ...parametersOf(address),
        filter: 'latest',
        per_page: perPage,
        page,
      }),
    );
    const { sentAt, forgeSentAt } = answer;
    return { body: client.readPage(workflowJobPage, answer, call), sentAt, forgeSentAt };
  };
  const budget = new PageBudget(perPage);
  const first = await readAllJobs(read, signal, budget);
  if (first.isWhole || budget.left < first.pageCount) return first;
  const second = await readAllJobs(read, signal, budget);
  if (second.isWhole) return second;
  // Its jobs come and go while they are read: those that either reading has shown are there.
  return { ...first, jobs: distinctJobs([...first.jobs, ...second.jobs]) };
}

/** Resolves when the run is or will be cancelled, or is over or gone: all of them are what was wanted. */
export async function cancelRun(
  client: GithubClient,
  address: RunAddress,
  how: 'cancel' | 'force-cancel',
  signal: AbortSignal,
): Promise<void> {
  const call: Call = {
    endpoint: how === 'cancel' ? 'cancel' : 'forceCancel',
    share: 'cancel',
    about: repoOf(address),
    doing: `${how} run ${nameOf(address)}`,
    needs: ACTIONS_WRITE,
    isMutation: true,
    isAboutObject: true,
  };
  try {
    await client.ask(call, signal, (request) => request(ROUTES[how], parametersOf(address)));
  } catch (error) {
    const isOver =
      error instanceof ForgeError && (error.code === 'conflict' || error.code === 'not-found');
    if (!isOver) throw error;
  }
}

interface JobPage extends Observed {
  readonly body: Page<WorkflowJob>;
}

interface JobReading extends Observed {
  readonly jobs: readonly WorkflowJob[];
  /** As many as the forge says there are: the pages show one moment. */
  readonly isWhole: boolean;
  readonly pageCount: number;
}

async function readAllJobs(
  read: (page: number, signal: AbortSignal) => Promise<JobPage>,
  signal: AbortSignal,
  budget: PageBudget,
): Promise<JobReading> {
  const pages = await readList(read, signal, budget);
  const [first] = pages;
  const jobs = distinctJobs(pages.flatMap((page) => page.body.entries));
  const oddCount = pages.reduce((sum, { body }) => sum + body.odd.length, 0);
  const { total } = first.body;
  return {
    jobs,
    isWhole:
      total === null
        ? isOneShortPage(
            pages.map(({ body }) => body),
            budget.perPage,
          )
        : jobs.length + oddCount === total,
    pageCount: pages.length,
    sentAt: first.sentAt,
    forgeSentAt: first.forgeSentAt,
  };
}

function distinctJobs(jobs: readonly WorkflowJob[]): WorkflowJob[] {
  return distinct(jobs, (job) => job.id);
}

function readCall(address: RunAddress, endpoint: Call['endpoint'], doing: string): Call {
  return {
    endpoint,
    share: 'track',
    about: repoOf(address),
    doing,
    needs: ACTIONS_READ,
    isMutation: false,
    isAboutObject: true,
  };
}

function nameOf(address: RunAddress): string {
  return `${address.runId} of ${repoOf(address)}`;
}

function repoOf({ owner, repo }: RunAddress): string {
  return `${owner}/${repo}`;
}

function parametersOf(address: RunAddress): { owner: string; repo: string; run_id: string } {
  return { owner: address.owner, repo: address.repo, run_id: address.runId };
}
