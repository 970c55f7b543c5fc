import { type DispatchTarget, type Job, type StringMap, targetFields, targetOf } from './job.ts';

/** What a template says of the jobs made from it. */
export interface TemplateContent extends DispatchTarget {
  readonly defaultInputs: StringMap | null;
}

/** What a pending job would be sent as, if it took its template as it is now. */
export interface TemplateChange {
  readonly queued: DispatchTarget;
  readonly now: DispatchTarget;
  /** The job's inputs afterwards. */
  readonly inputs: StringMap;
}

type Queued = Pick<Job, 'owner' | 'repo' | 'workflowId' | 'ref' | 'inputs'>;

/**
 * @param then the template as the job was queued with it
 * @returns `undefined` when its changes since make no difference to this job
 */
export function findTemplateChange(
  job: Queued,
  then: TemplateContent,
  template: TemplateContent,
): TemplateChange | undefined {
  const queued = targetOf(job, then);
  const now = targetOf(job, template);
  const inputs = inputsTaken(job.inputs, then.defaultInputs, template.defaultInputs);
  const isSameTarget = targetFields.every((field) => queued[field] === now[field]);
  if (isSameTarget && isSameMap(inputs, job.inputs ?? {})) return undefined;
  return { queued, now, inputs };
}

/** What somebody gave for this job stays: all that was not, word for word, the template's default then. */
function inputsTaken(
  inputs: StringMap | null,
  then: StringMap | null,
  now: StringMap | null,
): StringMap {
  const defaults = new Map(Object.entries(then ?? {}));
  const given = Object.entries(inputs ?? {}).filter(
    ([name, value]) => defaults.get(name) !== value,
  );
  return Object.fromEntries([...Object.entries(now ?? {}), ...given]);
}

function isSameMap(a: StringMap, b: StringMap): boolean {
  const others = new Map(Object.entries(b));
  const entries = Object.entries(a);
  return (
    entries.length === others.size && entries.every(([name, value]) => others.get(name) === value)
  );
}
