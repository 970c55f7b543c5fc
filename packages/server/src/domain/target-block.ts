/**
 * Why nothing but a probe goes to a repository or workflow, in the order in which it is shown where several hold:
 * - `no-access`, `archived`: the repository, for this credential or for all
 * - `workflow-disabled`: switched off on the forge
 * - `template-broken`: file or ref was refused three times in a row
 * - `not-found`: the forge did not find the workflow, once so far or lately
 * - `failing`: the forge fails whenever it is to start this workflow; of a whole repository, any workflow there: that stops
 *   none of them, but they yield
 */
export const BLOCK_KINDS = [
  'no-access',
  'archived',
  'workflow-disabled',
  'template-broken',
  'not-found',
  'failing',
] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

/**
 * What came of a sending, as far as it speaks of the repository and workflow that it went to. `none`: nothing, since they were
 * not reached, or it is the credential or the whole forge that failed. `works`: they are fine; what was refused is the
 * job's own. Else what is in the way.
 */
export type TargetVerdict = 'none' | 'works' | BlockKind;

/** How long a block lasts until its next probe, in milliseconds. */
export interface TargetPauses {
  readonly probeMs: number;
  /** A 404 counts when it repeats after so long. */
  readonly recheckMs: number;
  /** After a first failure; doubled with each further one. */
  readonly firstFailureMs: number;
  readonly longestFailureMs: number;
}
