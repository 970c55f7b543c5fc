import type { Event, EventKind } from '../domain/event.ts';
import type { Logger } from '../lib/logger.ts';

/** What an operator wants to have read in the morning: the life of each job, and what stopped or changed. */
const LOGGED: Partial<Record<EventKind, string>> = {
  'job.enqueued': 'job added',
  'job.requeued': 'job requeued',
  'attempt.accepted': 'job dispatched',
  'attempt.unknown': 'dispatch without an answer: its run is looked for',
  'attempt.found': 'run found that no answer had named',
  'attempt.ambiguous': 'dispatch whose run nobody can tell: it may be another’s',
  'attempt.absent': 'no run found for a dispatch without an answer',
  'attempt.run-late': 'run turned up late',
  'attempt.displaced': 'another job took the runner of a run',
  'attempt.cancel-wanted': 'run will be cancelled',
  'job.returned': 'job put back into the queue',
  'job.running': 'job running',
  'job.unmatched': 'run belongs to another job',
  'job.completed': 'job completed',
  'job.failed': 'job failed',
  'job.cancelled': 'job cancelled',
  'job.deleted': 'job deleted',
  'group.paused': 'group paused',
  'group.resumed': 'group resumed',
  'group.left-config': 'group left the configuration: it dispatches nothing',
  'runner.gone': 'runner gone',
  'target.blocked': 'workflow or repository blocked: one job probes it now and then',
  'target.cleared': 'workflow or repository works again',
  'target.named': 'runs of the workflow bear their attempt’s id',
  'target.unnamed':
    'runs of the workflow do not bear the id they are sent, so they are told apart by time alone: ' +
    'put ${{ inputs.… }} of the correlation_input into its run-name',
};

/** Somebody has to do something about it. */
const WARNED = new Set<EventKind>(['target.unnamed', 'attempt.ambiguous']);

/** One line for each event that this process has committed and that an operator would ask about. */
export function logEvent(logger: Logger, event: Event): void {
  const text = LOGGED[event.kind];
  if (text === undefined) return;
  const { subjectType, subjectId, groupId, actor, data } = event;
  logger[WARNED.has(event.kind) ? 'warn' : 'info'](
    {
      ...{ [`${subjectType}Id`]: subjectId },
      ...(groupId === null || subjectType === 'group' ? {} : { groupId }),
      ...(event.isAudit ? { actor } : {}),
      ...pick(data, ['jobId', 'runId', 'input', 'name', 'reason', 'message']),
    },
    text,
  );
}

function pick(data: Event['data'], keys: readonly string[]): Record<string, unknown> {
  const given = keys.filter((key) => data[key] !== undefined && data[key] !== null);
  return Object.fromEntries(given.map((key) => [key, data[key]]));
}
