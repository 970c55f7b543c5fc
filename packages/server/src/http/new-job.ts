import { type AddJobRequest, MAX_INPUT_CHARACTERS, MAX_INPUTS } from '@dispatchoor/api-contract';
import type { Template } from '../domain/group.ts';
import type { StringMap } from '../domain/job.ts';
import type { NewJob } from '../store/port/jobs.ts';
import { badRequest } from './errors.ts';

/** Throws a 400 when a manual job does not say where it goes. */
export function newJobOf(groupId: string, request: AddJobRequest, createdBy: string): NewJob {
  const templateId = given(request.template_id);
  const job = {
    groupId,
    templateId,
    inputs: request.inputs ?? null,
    priority: request.priority,
    autoRequeue: request.auto_requeue,
    requeueLimit: request.requeue_limit,
    createdBy,
    name: given(request.name),
    owner: given(request.owner),
    repo: given(request.repo),
    workflowId: given(request.workflow_id),
    ref: given(request.ref),
    labels: Object.keys(request.labels ?? {}).length > 0 ? (request.labels ?? null) : null,
  };
  if (templateId === null) requireTarget(request);
  return job;
}

/** An empty override overrides nothing. */
const given = (value: string | undefined): string | null =>
  value === undefined || value === '' ? null : value;

function requireTarget(request: AddJobRequest): void {
  const missing = (['owner', 'repo', 'workflow_id', 'ref'] as const).filter(
    (key) => given(request[key]) === null,
  );
  if (missing.length > 0) {
    throw badRequest(`${missing.join(', ')}: missing; a job without template_id needs them`);
  }
}

/** What the forge would be sent, against its own limits. @param template undefined: manual, or unknown, which the store tells */
export function checkInputs(job: NewJob, template: Template | undefined): void {
  const inputs: StringMap = { ...template?.defaultInputs, ...job.inputs };
  const correlated = withCorrelationInput(inputs, template?.correlationInput ?? null);
  const count = Object.keys(correlated).length;
  if (count > MAX_INPUTS) {
    throw badRequest(`inputs: ${count} with the template's; a workflow takes ${MAX_INPUTS}`);
  }
  const characters = JSON.stringify(correlated).length;
  if (characters > MAX_INPUT_CHARACTERS) {
    const longest = longestEntry(correlated);
    throw badRequest(
      `inputs.${longest}: too long; all inputs together have ${characters} characters, a workflow takes ${MAX_INPUT_CHARACTERS}`,
    );
  }
}

// An attempt id, a UUID, will stand there.
const ATTEMPT_ID_LENGTH = 36;

function withCorrelationInput(inputs: StringMap, name: string | null): StringMap {
  return name === null ? inputs : { ...inputs, [name]: '0'.repeat(ATTEMPT_ID_LENGTH) };
}

function longestEntry(inputs: StringMap): string {
  const [longest] = Object.entries(inputs).sort(([, a], [, b]) => b.length - a.length);
  return longest?.[0] ?? '';
}
