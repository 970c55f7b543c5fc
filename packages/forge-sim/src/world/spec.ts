/** A value fixed in the workflow, or taken from one of the dispatch's inputs. */
export type FromInput<T> = T | { fromInput: string };

export const jobConclusions = [
  'success',
  'failure',
  'neutral',
  'cancelled',
  'skipped',
  'timed_out',
  'action_required',
] as const;
export type JobConclusion = (typeof jobConclusions)[number];

export const runConclusions = [...jobConclusions, 'stale', 'startup_failure'] as const;
export type RunConclusion = (typeof runConclusions)[number];

export const gates = ['waiting', 'pending', 'requested'] as const;
/** The status a run keeps until its gate is released. */
export type Gate = (typeof gates)[number];

export interface OwnerSpec {
  login: string;
  type: 'Organization' | 'User';
}

export interface TokenSpec {
  token: string;
  /** The account it acts as; tokens of one login share one rate limit. */
  login: string;
  /** Owners (and enterprises) it can see; default: all. */
  owners?: string[];
  /** `read` may not dispatch or cancel; default `all`. */
  scopes?: 'all' | 'read';
  /** Organisations with single sign-on that have not authorised it: what is theirs answers 403. */
  unauthorisedBy?: string[];
}

export interface RepoSpec {
  owner: string;
  name: string;
  /** Read-only: every dispatch is refused. */
  archived?: boolean;
}

export interface InputSpec {
  required?: boolean;
  default?: string;
  type?: 'string' | 'boolean' | 'number' | 'choice' | 'environment';
  /** For type `choice`. */
  options?: string[];
}

export interface WorkflowJobSpec {
  name: string;
  /** Labels; from an input: a JSON array or a comma list. */
  runsOn: FromInput<string[]>;
  durationMs: FromInput<number>;
  /** Default `success`. */
  conclusion?: FromInput<JobConclusion>;
  /** Names of jobs of the same workflow that must succeed first. */
  needs?: string[];
  /** Goes on after a cancel (`if: always()`); only a force-cancel ends it early. */
  ignoresCancel?: boolean;
}

export interface WorkflowSpec {
  owner: string;
  repo: string;
  /** File name below `.github/workflows/`. */
  file: string;
  name?: string;
  /** Branches and tags that have it; default `['main']`. */
  refs?: string[];
  inputs?: Record<string, InputSpec>;
  /** `run-name`; `${{ inputs.x }}` is filled in. */
  runName?: string;
  jobs: WorkflowJobSpec[];
  /** The run's end, whatever its jobs say. `startup_failure` and `action_required` start no job. */
  runConclusion?: FromInput<RunConclusion>;
  gate?: Gate;
  /** Of the whole workflow. `group` may name `inputs.x`, `github.ref`, `github.ref_name` and `github.workflow`. */
  concurrency?: { group: string; cancelInProgress?: boolean };
  /** Without its `workflow_dispatch` trigger: every dispatch is refused. */
  isDispatchable?: boolean;
  /** Somebody switched it off: every dispatch is refused. */
  isDisabled?: boolean;
  /** What is wrong with the file, such as `(Line: 9, Col: 5): Unexpected value`: every dispatch is refused. */
  parseError?: string;
}

export interface RunnerSpec {
  /** `org:x`, `repo:o/r` or `enterprise:e`. */
  scope: string;
  name: string;
  /** Default `Linux`. */
  os?: string;
  /** Exactly these; nothing is added. */
  labels: string[];
  online?: boolean;
  /** Taken by a job that is none of this forge's runs. */
  busy?: boolean;
  /** Gone after one workflow job. */
  ephemeral?: boolean;
}

export const hookEvents = ['workflow_job', 'workflow_run', 'ping'] as const;
export type HookEvent = (typeof hookEvents)[number];

/** A webhook: where the forge posts what happens. */
export interface HookSpec {
  /** `http:` or `https:`. */
  url: string;
  /** Signs every delivery; without one there is no signature. */
  secret?: string;
  /** Default: all. A `ping` is sent on creation in any case. */
  events?: HookEvent[];
  /** Only what happens at this owner; default: everywhere. */
  owner?: string;
  /** Only in this repository of `owner`. */
  repo?: string;
}

/** Everything is optional; what is given is added to what exists. */
export interface World {
  owners?: OwnerSpec[];
  tokens?: TokenSpec[];
  repos?: RepoSpec[];
  workflows?: WorkflowSpec[];
  runners?: RunnerSpec[];
  hooks?: HookSpec[];
}
