import type { Run, WorkflowJob } from './state.ts';

/** What GitHub's webhooks report; handed over at the moment it happens, in order. */
export type ForgeEvent =
  | { name: 'workflow_run'; action: 'requested' | 'in_progress' | 'completed'; run: Run }
  | {
      name: 'workflow_job';
      action: 'queued' | 'waiting' | 'in_progress' | 'completed';
      job: WorkflowJob;
    };

export class ForgeEvents {
  readonly #listeners = new Set<(event: ForgeEvent) => void>();

  /** A listener must copy what it keeps: the run goes on changing. */
  listen(listener: (event: ForgeEvent) => void): void {
    this.#listeners.add(listener);
  }

  emit(event: ForgeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
