import type { DispatchTarget } from './job.ts';
import { plainRefOf, repoKeyOf } from './run-keys.ts';

/**
 * A sending whose run is not known yet and will be found by its time alone. Another of its workflow with other inputs
 * must not be sent meanwhile: of two runs nobody could say whose inputs which one has, and of one whether it has to be
 * started again.
 */
export interface Doubt extends DispatchTarget {
  readonly jobId: string;
  /** Of the inputs it was sent with. */
  readonly inputsHash: string;
  readonly claimedAt: number;
}

/** A job that is to be sent. */
export interface DoubtfulJob extends DispatchTarget {
  /** Its run will be known by the attempt's id in its name. */
  readonly isNamed: boolean;
  readonly inputsHash: string;
}

/** What has to be settled before this job may be sent. */
export function findDoubt<T extends Doubt>(doubts: Iterable<T>, job: DoubtfulJob): T | undefined {
  if (job.isNamed) return undefined;
  for (const doubt of doubts) {
    if (!isAlike(doubt, job) && mayBeOneKey(doubt, job)) return doubt;
  }
  return undefined;
}

/**
 * Whether their runs could be taken for each other's. Forges take a workflow by number, file name or path: a number
 * may stand for any of them.
 */
function mayBeOneKey(a: DispatchTarget, b: DispatchTarget): boolean {
  return placeOf(a) === placeOf(b) && mayBeOneWorkflow(a.workflowId, b.workflowId);
}

/** Repository and ref, however they are written. */
function placeOf(target: Omit<DispatchTarget, 'workflowId'>): string {
  return `${repoKeyOf(target)} ${plainRefOf(target.ref)}`;
}

/** The same where it surely is one workflow. */
function targetKey(target: DispatchTarget): string {
  return `${placeOf(target)} ${fileOf(target.workflowId)}`;
}

/** A number may be that of any file. */
export function mayBeOneWorkflow(a: string, b: string): boolean {
  if (isNumber(a) !== isNumber(b)) return true;
  return fileOf(a) === fileOf(b);
}

const isNumber = (workflowId: string): boolean => /^\d+$/.test(workflowId);

function fileOf(workflowId: string): string {
  return workflowId.slice(workflowId.lastIndexOf('/') + 1);
}

/** Which targets are in doubt, whatever the inputs, so that one look tells it of each of many jobs. */
export class DoubtedTargets {
  readonly #keys = new Set<string>();
  /** Where one sent to a number is in doubt: it may be that of every file. */
  readonly #placesOfNumbers = new Set<string>();
  readonly #placesOfFiles = new Set<string>();

  constructor(doubts: Iterable<DispatchTarget>) {
    for (const doubt of doubts) {
      const isOfNumber = isNumber(doubt.workflowId);
      (isOfNumber ? this.#placesOfNumbers : this.#placesOfFiles).add(placeOf(doubt));
      this.#keys.add(targetKey(doubt));
    }
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0;
  }

  has(target: DispatchTarget): boolean {
    if (this.isEmpty) return false;
    const others = isNumber(target.workflowId) ? this.#placesOfFiles : this.#placesOfNumbers;
    return this.#keys.has(targetKey(target)) || others.has(placeOf(target));
  }
}

/** All doubts of a forge, and those that a plan adds with what it sends. */
export class Doubts {
  readonly #byPlace = new Map<string, Doubt[]>();

  constructor(doubts: readonly Doubt[]) {
    for (const doubt of doubts) this.add(doubt);
  }

  add(doubt: Doubt): void {
    const place = placeOf(doubt);
    const known = this.#byPlace.get(place);
    if (known === undefined) this.#byPlace.set(place, [doubt]);
    // One of each says all: hundreds with equal inputs may be sent in one plan.
    else if (!known.some((one) => isSame(one, doubt))) known.push(doubt);
  }

  /** All that have to be settled before this job may be sent. */
  list(job: DoubtfulJob): Doubt[] {
    if (job.isNamed) return [];
    const known = this.#byPlace.get(placeOf(job)) ?? [];
    return known.filter((doubt) => findDoubt([doubt], job) !== undefined);
  }
}

/**
 * Jobs that a plan leaves behind until an outcome is known. An endless stream of jobs behind one, sent as the doubt was,
 * would keep that doubt alive and the job waiting for ever, so it is not overtaken: neither by jobs of its own workflow nor
 * by those of a workflow that it waits for. That is told by what surely is one workflow. A number that may be any workflow
 * would have all of the repository wait for each other.
 */
export class WaitingJobs {
  readonly #byWorkflow = new Map<string, Doubt[]>();

  /** @param waitsFor what was sent and `job` waits for; none where it only does not overtake another that waits */
  add(job: Doubt, waitsFor: readonly Doubt[]): void {
    const workflows = new Set([job, ...waitsFor].map(({ workflowId }) => fileOf(workflowId)));
    for (const workflowId of workflows) {
      const key = targetKey({ ...job, workflowId });
      const known = this.#byWorkflow.get(key) ?? [];
      this.#byWorkflow.set(key, known);
      // Of two that differ, every job differs from one.
      if (known.length < 2 && !known.some((one) => isAlike(one, job))) known.push(job);
    }
  }

  /** The first that this job would overtake. */
  find(job: DoubtfulJob): Doubt | undefined {
    if (job.isNamed) return undefined;
    return this.#byWorkflow.get(targetKey(job))?.find((one) => !isAlike(one, job));
  }
}

function isSame(a: Doubt, b: Doubt): boolean {
  return a.workflowId === b.workflowId && isAlike(a, b);
}

/** It does not matter which run is whose. A run shows a branch and a tag of one name alike, so the refs have to be written alike. */
export function isAlike(
  a: Pick<DoubtfulJob, 'ref' | 'inputsHash'>,
  b: Pick<DoubtfulJob, 'ref' | 'inputsHash'>,
): boolean {
  return a.inputsHash === b.inputsHash && a.ref === b.ref;
}
