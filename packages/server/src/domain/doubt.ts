import type { DispatchTarget } from './job.ts';
import { plainRefOf, repoKeyOf } from './run-keys.ts';

/**
 * A sending whose run is not known yet and will be told by its time alone. Another of its workflow with other inputs
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
export function mayBeOneKey(a: DispatchTarget, b: DispatchTarget): boolean {
  return placeOf(a) === placeOf(b) && mayBeOneWorkflow(a.workflowId, b.workflowId);
}

/** Repository and ref, however they are written. */
function placeOf(target: Omit<DispatchTarget, 'workflowId'>): string {
  return `${repoKeyOf(target)} ${plainRefOf(target.ref)}`;
}

function mayBeOneWorkflow(a: string, b: string): boolean {
  if (isNumber(a) !== isNumber(b)) return true;
  return fileOf(a) === fileOf(b);
}

const isNumber = (workflowId: string): boolean => /^\d+$/.test(workflowId);

function fileOf(workflowId: string): string {
  return workflowId.slice(workflowId.lastIndexOf('/') + 1);
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

  find(job: DoubtfulJob): Doubt | undefined {
    return findDoubt(this.#byPlace.get(placeOf(job)) ?? [], job);
  }
}

function isSame(a: Doubt, b: Doubt): boolean {
  return a.workflowId === b.workflowId && isAlike(a, b);
}

/** It does not matter which run is whose. A run shows a branch and a tag of one name alike, so the refs have to be written alike. */
function isAlike(
  a: Pick<DoubtfulJob, 'ref' | 'inputsHash'>,
  b: Pick<DoubtfulJob, 'ref' | 'inputsHash'>,
): boolean {
  return a.inputsHash === b.inputsHash && a.ref === b.ref;
}
