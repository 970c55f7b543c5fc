import { fillExpressions } from './from-input.ts';
import type { Run } from './state.ts';

interface Slot {
  running: Run;
  pending: Run | null;
}

/** Who has to go when a run enters its group. */
export interface Entry {
  readonly mayBegin: boolean;
  readonly cancelled: readonly Run[];
}

/**
 * The `concurrency` of whole workflows. Of one group of a repository one run runs and one waits (docs.github.com,
 * "Control workflow concurrency": a newer one that waits cancels the one that waited before; with
 * `cancel-in-progress` it cancels the running one too).
 */
export class ConcurrencyGroups {
  readonly #slots = new Map<string, Slot>();

  enter(run: Run): Entry {
    const key = run.concurrencyGroup;
    if (key === null) return { mayBegin: true, cancelled: [] };
    const slot = this.#slots.get(key);
    if (slot === undefined) {
      this.#slots.set(key, { running: run, pending: null });
      return { mayBegin: true, cancelled: [] };
    }
    const isRunningEnded = run.workflow.spec.concurrency?.cancelInProgress === true;
    const displaced = slot.pending;
    slot.pending = run;
    return {
      mayBegin: false,
      cancelled: [...(displaced ? [displaced] : []), ...(isRunningEnded ? [slot.running] : [])],
    };
  }

  isWaiting(run: Run): boolean {
    return this.#slots.get(run.concurrencyGroup ?? '')?.pending === run;
  }

  /** For a run that has ended. Returns the one that may begin now. */
  leave(run: Run): Run | undefined {
    const key = run.concurrencyGroup;
    const slot = this.#slots.get(key ?? '');
    if (key === null || slot === undefined) return undefined;
    if (slot.pending === run) slot.pending = null;
    if (slot.running !== run) return undefined;
    const next = slot.pending;
    if (next === null) this.#slots.delete(key);
    else this.#slots.set(key, { running: next, pending: null });
    return next ?? undefined;
  }
}

/** Names of groups do not differ by case; each repository has its own. `null`: the run is in no group. */
export function concurrencyGroupOf(run: Pick<Run, 'workflow' | 'ref' | 'inputs'>): string | null {
  const { workflow, ref, inputs } = run;
  const { concurrency } = workflow.spec;
  if (concurrency === undefined) return null;
  const group = fillExpressions(concurrency.group, {
    inputs,
    github: { ref: `refs/heads/${ref}`, ref_name: ref, workflow: workflow.name },
  });
  return `${String(workflow.repo.id)} ${group.toLowerCase()}`;
}
