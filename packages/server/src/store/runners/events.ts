import { SYSTEM_ACTOR } from '../../domain/event.ts';
import type { WriteTx } from '../database.ts';
import { stringsOf } from '../rows.ts';
import type { RunnerRow } from '../schema.ts';

/** What a runner looks like to those who are told of it. */
export type ShownRunner = Pick<RunnerRow, 'name' | 'labels' | 'status' | 'is_busy'>;

export interface RunnerChange {
  readonly id: string;
  readonly forgeId: string;
  readonly scope: string;
  /** `undefined`: it was not known before. */
  readonly from: ShownRunner | undefined;
  readonly to: ShownRunner;
  /** The run whose workflow job reported it; `null`: a listing showed it. */
  readonly runId: string | null;
}

export function emitChanged(tx: WriteTx, change: RunnerChange): void {
  const { id, forgeId, scope, from, to, runId } = change;
  tx.emit({
    kind: 'runner.changed',
    subjectType: 'runner',
    subjectId: id,
    groupId: null,
    forgeId,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: {
      ...{ scope, runId },
      from: from === undefined ? null : shownOf(from),
      to: shownOf(to),
      // A runner that was not known was not busy, as far as we know.
      isUseChanged: to.is_busy !== (from?.is_busy ?? 0),
    },
  });
}

function shownOf(runner: ShownRunner) {
  return {
    name: runner.name,
    status: runner.status,
    isBusy: runner.is_busy === 1,
    labels: stringsOf(runner.labels),
  };
}

/** With the runner as it was last: nobody can read it any more. */
export function emitGone(tx: WriteTx, runner: RunnerRow, why: string): void {
  const { name, scope, os } = runner;
  tx.emit({
    kind: 'runner.gone',
    subjectType: 'runner',
    subjectId: runner.id,
    groupId: null,
    forgeId: runner.forge_id,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: {
      ...{ name, scope, os, why },
      labels: stringsOf(runner.labels),
      forgeRunnerId: runner.forge_runner_id,
      lastSeenAt: runner.last_seen_at,
      createdAt: runner.created_at,
    },
  });
}
