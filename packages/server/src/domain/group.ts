import type { DispatchTarget, StringMap } from './job.ts';
import type { LabelCase } from './runner.ts';

/** A pool of runners named by labels, with its own queue and templates. */
export interface Group {
  readonly id: string;
  readonly forgeId: string;
  readonly name: string;
  readonly description: string;
  readonly runnerLabels: readonly string[];
  /** How its forge compares them. */
  readonly labelCase: LabelCase;
  /** Only runners of these scopes count; `null`: whichever scope covers a job. */
  readonly runnerScopes: readonly string[] | null;
  /** Most live attempts at once; `null`: no cap. */
  readonly maxParallel: number | null;
  /** False once the group has left the config: it is shown, and dispatches nothing. */
  readonly isEnabled: boolean;
  readonly isPaused: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type TemplateSource = 'inline' | 'file' | 'url';

/** A workflow to dispatch. */
export interface Template extends DispatchTarget {
  readonly id: string;
  readonly groupId: string;
  readonly name: string;
  readonly defaultInputs: StringMap | null;
  readonly labels: StringMap | null;
  /** How many runners one run of it needs at once. */
  readonly runners: number;
  /** Input that we fill with the attempt id; the workflow puts it into `run-name`. */
  readonly correlationInput: string | null;
  readonly inConfig: boolean;
  readonly sourceType: TemplateSource;
  readonly sourcePath: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}
