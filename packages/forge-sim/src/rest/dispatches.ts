import type { Forge } from '../forge.ts';
import { knowsReturnRunDetails, maxDispatchInputs } from '../ghes.ts';
import type { Run, Workflow } from '../world/state.ts';
import { getVisibleRepo, mustBeAbleToWrite, mustNotBeArchived } from './access.ts';
import { fillInputs } from './dispatch-inputs.ts';
import {
  type Endpoint,
  notFound,
  param,
  RestError,
  type RestReply,
  type RestRequest,
} from './rest.ts';
import { runApiUrl, runHtmlUrl } from './run-body.ts';

const MAX_PAYLOAD_CHARACTERS = 65_535;
const knownFields = new Set(['ref', 'inputs', 'return_run_details']);

interface DispatchBody {
  ref: string;
  inputs: Record<string, unknown>;
  wantsRunDetails: boolean;
}

function invalid(status: number, detail: string): RestError {
  return new RestError(status, `Invalid request.\n\n${detail}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseBody(body: unknown, forge: Forge): DispatchBody {
  if (!isRecord(body)) throw invalid(422, "For 'links/0/schema', nil is not an object.");
  const { ref, inputs = {}, return_run_details: details } = body;
  const unknownField = Object.keys(body).find(
    (field) =>
      !knownFields.has(field) ||
      (field === 'return_run_details' && !knowsReturnRunDetails(forge.ghes)),
  );
  if (unknownField !== undefined) throw invalid(400, `"${unknownField}" is not a permitted key.`);
  if (ref === undefined) throw invalid(422, '"ref" wasn\'t supplied.');
  if (typeof ref !== 'string')
    throw invalid(422, "For 'properties/ref', the value is not a string.");
  if (!isRecord(inputs)) {
    throw invalid(422, "For 'properties/inputs', the value is not an object.");
  }
  return { ref, inputs, wantsRunDetails: details === true };
}

function checkLimits(request: RestRequest, inputs: Record<string, unknown>, forge: Forge): void {
  const given = Object.keys(inputs).length;
  const max = maxDispatchInputs(forge.ghes);
  if (given > max) {
    const detail = `No more than ${String(max)} properties are allowed; ${String(given)} were supplied.`;
    throw invalid(422, detail);
  }
  if (request.bodyLength > MAX_PAYLOAD_CHARACTERS)
    throw new RestError(422, 'inputs are too large.');
}

/** The short name of a branch or tag that the workflow is on. */
function resolveRef(workflow: Workflow, ref: string): string {
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  if (!workflow.refs.includes(name)) throw new RestError(422, `No ref found for: ${ref}`);
  return name;
}

function dispatchReply(run: Run, wantsRunDetails: boolean, forge: Forge): RestReply {
  if (!wantsRunDetails) return { status: 204 };
  const urls = { run_url: runApiUrl(run, forge), html_url: runHtmlUrl(run, forge) };
  return { status: 200, body: { workflow_run_id: run.id, ...urls } };
}

function mustBeDispatchable({ spec }: Workflow): void {
  if (spec.parseError !== undefined) {
    throw new RestError(422, `Invalid Argument - failed to parse workflow: ${spec.parseError}`);
  }
  if (spec.isDispatchable === false) {
    throw new RestError(422, "Workflow does not have 'workflow_dispatch' trigger");
  }
}

const dispatchEndpoint: Endpoint = {
  name: 'dispatch',
  method: 'POST',
  paths: ['/repos/:owner/:repo/actions/workflows/:workflow_id/dispatches'],
  docs: 'actions/workflows#create-a-workflow-dispatch-event',
  isContent: true,
  handle: (request, forge) => {
    const repo = getVisibleRepo(request, forge);
    mustBeAbleToWrite(request.token);
    mustNotBeArchived(repo);
    const { ref, inputs, wantsRunDetails } = parseBody(request.body, forge);
    checkLimits(request, inputs, forge);
    const workflow = forge.state.findWorkflow(repo, param(request, 'workflow_id'));
    if (workflow === undefined) throw notFound();
    if (workflow.spec.isDisabled === true) {
      throw new RestError(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow");
    }
    const branch = resolveRef(workflow, ref);
    mustBeDispatchable(workflow);
    const run = forge.runs.dispatch({
      workflow,
      ref: branch,
      inputs: fillInputs(workflow.inputs, inputs),
      actor: request.account,
      requestId: request.id,
    });
    return dispatchReply(run, wantsRunDetails, forge);
  },
};

export const dispatchEndpoints: readonly Endpoint[] = [dispatchEndpoint];
