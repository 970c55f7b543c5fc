/** `noun.past-participle`: what happened to one subject, committed with it. */
export type EventKind =
  | 'job.enqueued'
  | 'job.requeued'
  | 'job.triggered'
  | 'job.returned'
  | 'job.running'
  | 'job.unmatched'
  | 'job.completed'
  | 'job.failed'
  | 'job.cancelled'
  | 'job.paused'
  | 'job.resumed'
  | 'job.deleted'
  | 'job.template-taken'
  | 'job.run-found'
  | 'attempt.accepted'
  | 'attempt.refused'
  | 'attempt.unknown'
  | 'attempt.found'
  | 'attempt.absent'
  | 'attempt.ambiguous'
  | 'attempt.ended'
  | 'attempt.changed'
  | 'attempt.cancel-wanted'
  | 'attempt.displaced'
  | 'attempt.run-late'
  | 'group.synced'
  | 'group.paused'
  | 'group.resumed'
  | 'group.left-config'
  | 'template.synced'
  | 'runner.changed'
  | 'runner.gone'
  | 'scope.observed'
  | 'credential.changed'
  | 'target.blocked'
  | 'target.cleared'
  | 'target.named'
  | 'target.unnamed'
  | 'webhook.received'
  | 'webhook.run-unmatched'
  | 'webhook.run-again'
  | 'user.login'
  | 'user.logout'
  | 'user.changed';

export type SubjectType =
  | 'job'
  | 'attempt'
  | 'group'
  | 'template'
  | 'runner'
  | 'scope'
  | 'credential'
  | 'target'
  | 'webhook'
  | 'user';

export interface NewEvent {
  readonly kind: EventKind;
  readonly subjectType: SubjectType;
  readonly subjectId: string;
  readonly groupId: string | null;
  readonly forgeId: string | null;
  /** Who did it: a user name, or `dispatchoor`. */
  readonly actor: string;
  /** Kept a year instead of 7 days: somebody decided this. */
  readonly isAudit: boolean;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Event extends NewEvent {
  /** Grows in commit order. */
  readonly seq: number;
  readonly at: number;
  /** Process that wrote it: each process counts only its own in its metrics. */
  readonly origin: string;
}

/** The actor of what no person did. */
export const SYSTEM_ACTOR = 'dispatchoor';
