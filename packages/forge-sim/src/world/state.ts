import type { SimTimer } from '../clock.ts';
import type {
  Gate,
  InputSpec,
  JobConclusion,
  RunConclusion,
  WorkflowJobSpec,
  WorkflowSpec,
} from './spec.ts';

export interface Account {
  id: number;
  login: string;
  type: 'Organization' | 'User';
  createdAt: number;
}

export interface Token {
  token: string;
  login: string;
  owners: readonly string[] | null;
  canWrite: boolean;
  isValid: boolean;
  /** `owner` or `owner/repo`, lower case. */
  blindTo: readonly string[];
  /** Organisations, lower case, whose single sign-on has not authorised it. */
  unauthorisedBy: readonly string[];
}

export interface Repo {
  id: number;
  owner: Account;
  name: string;
  isArchived: boolean;
  createdAt: number;
}

export interface Workflow {
  id: number;
  repo: Repo;
  file: string;
  name: string;
  refs: readonly string[];
  inputs: Readonly<Record<string, InputSpec>>;
  spec: WorkflowSpec;
  lastRunNumber: number;
}

/** `blocked`: its `needs` are not done; the forge does not show it yet. */
export type JobStatus = 'blocked' | 'queued' | 'in_progress' | 'completed' | Gate;

export interface WorkflowJob {
  id: number;
  run: Run;
  runAttempt: number;
  spec: WorkflowJobSpec;
  name: string;
  labels: readonly string[];
  /** Lower case, for matching. */
  wantedLabels: readonly string[];
  durationMs: number;
  plannedConclusion: JobConclusion;
  status: JobStatus;
  conclusion: JobConclusion | null;
  /** Set from pickup on, and kept. */
  runner: Runner | null;
  createdAt: number | null;
  startedAt: number | null;
  completedAt: number | null;
  /** Its time is over, but its runner cannot be reached to say so. */
  isOverdue: boolean;
  timers: SimTimer[];
}

export type RunStatus = 'queued' | 'in_progress' | 'completed' | Gate;

export type EndedAttempt = Pick<Run, 'attemptAt' | 'updatedAt' | 'conclusion'>;

export interface Run {
  id: number;
  workflow: Workflow;
  runNumber: number;
  runAttempt: number;
  ref: string;
  inputs: Readonly<Record<string, string>>;
  title: string;
  actor: Account;
  /** Tells it from all others of the forge; null: it is in none. */
  concurrencyGroup: string | null;
  headSha: string;
  createdAt: number;
  /** When this attempt began. */
  attemptAt: number;
  updatedAt: number;
  visibleAt: number;
  isVisible: boolean;
  createdByRequest: number;
  status: RunStatus;
  conclusion: RunConclusion | null;
  /** From the workflow; overrides what the jobs would give. */
  plannedConclusion: RunConclusion | null;
  /** From outside; overrides everything. */
  forcedConclusion: RunConclusion | null;
  jobs: WorkflowJob[];
  earlierJobs: WorkflowJob[];
  /** How each attempt before the present one ended; the first stands first. */
  earlierAttempts: EndedAttempt[];
  cancelRequestedAt: number | null;
  deletedAt: number | null;
}

export interface BusySpan {
  from: number;
  to?: number;
  /** Both null: an external job. */
  runId: number | null;
  jobId: number | null;
}

export interface Runner {
  id: number;
  scope: string;
  name: string;
  os: string;
  labels: readonly string[];
  /** Lower case, for matching. */
  labelSet: ReadonlySet<string>;
  isOnline: boolean;
  isTakenOutside: boolean;
  isEphemeral: boolean;
  job: WorkflowJob | null;
  /** Assigned to it by the forge, not yet picked up: invisible from outside. */
  reservedFor: WorkflowJob | null;
  onlineAt: number;
  goneAt: number | null;
  onlineSpans: { from: number; to?: number }[];
  busySpans: BusySpan[];
}

/** All that exists on the forge. Names are found without regard to case, as on GitHub. */
export class WorldState {
  readonly accounts = new Map<string, Account>();
  readonly tokens = new Map<string, Token>();
  readonly repos = new Map<string, Repo>();
  readonly workflows: Workflow[] = [];
  readonly runs = new Map<number, Run>();
  readonly runners = new Map<number, Runner>();

  findAccount(login: string): Account | undefined {
    return this.accounts.get(login.toLowerCase());
  }

  /** It keeps its id, its tokens and its runs, which are all shown under the new login. */
  renameAccount(from: string, to: string): void {
    const account = this.findAccount(from);
    if (account?.type !== 'User') throw new Error(`forge-sim: no user ${from}`);
    const taken = this.findAccount(to);
    if (taken !== undefined && taken !== account) throw new Error(`forge-sim: ${to} is taken`);
    this.accounts.delete(from.toLowerCase());
    this.accounts.set(to.toLowerCase(), account);
    for (const token of this.tokens.values()) if (token.login === account.login) token.login = to;
    account.login = to;
  }

  findRepo(owner: string, name: string): Repo | undefined {
    return this.repos.get(`${owner}/${name}`.toLowerCase());
  }

  /** By id or by file name. */
  findWorkflow(repo: Repo, idOrFile: string): Workflow | undefined {
    return this.workflows.find(
      (workflow) =>
        workflow.repo === repo && (workflow.file === idOrFile || String(workflow.id) === idOrFile),
    );
  }

  getRun(runId: number): Run {
    const run = this.runs.get(runId);
    if (run === undefined) throw new Error(`forge-sim: no run ${String(runId)}`);
    return run;
  }

  getRunner(runnerId: number): Runner {
    const runner = this.runners.get(runnerId);
    if (runner === undefined) throw new Error(`forge-sim: no runner ${String(runnerId)}`);
    return runner;
  }

  getToken(token: string): Token {
    const found = this.tokens.get(token);
    if (found === undefined) throw new Error('forge-sim: no such token');
    return found;
  }
}
