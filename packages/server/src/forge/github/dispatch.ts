import type { Clock } from '../../lib/clock.ts';
import { type Dispatch, type DispatchAccepted, ForgeError, type ForgeErrorCode } from '../forge.ts';
import { ACTIONS_WRITE, type Answer, type Call } from './call.ts';
import { type GithubClient, parseAnswer } from './client.ts';
import { Conclusions } from './conclusions.ts';
import { dispatchReply } from './schema.ts';

/** GitHub's limits on `inputs`, checked here so that a refusal names the job's mistake and costs no request. */
const MAX_INPUTS = 25;
const MAX_INPUT_CHARACTERS = 65_535;

/** What we found out about the server: forgotten after a while. */
export class DispatchFeatures {
  readonly #lacking: Conclusions<true>;

  constructor(clock: Clock) {
    this.#lacking = new Conclusions(clock);
  }

  /** It understands `return_run_details`. Believed until it says otherwise. */
  get returnRunDetails(): boolean {
    return this.#lacking.find('return_run_details') === undefined;
  }

  noteWithoutRunDetails(): void {
    this.#lacking.note('return_run_details', true);
  }
}

/** Answers that GitHub gives only to a body whose keys it has taken. */
const PAST_ITS_KEYS = new Set<ForgeErrorCode>(['invalid', 'invalid-inputs', 'disabled']);

/** @throws ForgeError */
export async function dispatchWorkflow(
  client: GithubClient,
  features: DispatchFeatures,
  dispatch: Dispatch,
  signal: AbortSignal,
): Promise<DispatchAccepted> {
  assertWithinLimits(dispatch);
  if (!features.returnRunDetails) return send(client, dispatch, false, signal);
  let refusal: ForgeError;
  try {
    return await send(client, dispatch, true, signal);
  } catch (error) {
    if (!mayRefuseDetails(error)) throw error;
    refusal = error;
  }
  // The refusal started nothing, so asking again is no second dispatch; `maySend` is asked anew.
  return sendWithoutDetails(client, features, dispatch, refusal, signal);
}

/**
 * GHES up to 3.20 answers 400 to the parameter. So does any server to other nonsense: only when the same dispatch
 * without it gets an answer to what it asks was it the parameter. (A proxy's 400 is no refusal at all.)
 */
async function sendWithoutDetails(
  client: GithubClient,
  features: DispatchFeatures,
  dispatch: Dispatch,
  refusal: ForgeError,
  signal: AbortSignal,
): Promise<DispatchAccepted> {
  try {
    const accepted = await send(client, dispatch, false, signal);
    features.noteWithoutRunDetails();
    return accepted;
  } catch (error) {
    const isOtherAnswer =
      error instanceof ForgeError && error.isAnswered && error.status !== refusal.status;
    if (isOtherAnswer && PAST_ITS_KEYS.has(error.code)) features.noteWithoutRunDetails();
    throw error;
  }
}

async function send(
  client: GithubClient,
  dispatch: Dispatch,
  wantsDetails: boolean,
  signal: AbortSignal,
): Promise<DispatchAccepted> {
  const { owner, repo, workflowId, ref, inputs, maySend } = dispatch;
  const call: Call = {
    endpoint: 'dispatch',
    share: 'dispatch',
    about: `${owner}/${repo}`,
    doing: `dispatch ${workflowId} of ${owner}/${repo} at ${ref}`,
    needs: ACTIONS_WRITE,
    isMutation: true,
    isAboutObject: true,
    maySend,
  };
  const answer = await client.ask(call, signal, (request) =>
    request('POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches', {
      owner,
      repo,
      workflow_id: workflowId,
      ref,
      inputs: { ...inputs },
      ...(wantsDetails ? { return_run_details: true } : {}),
    }),
  );
  return readAccepted(answer, call, wantsDetails);
}

/** Any 2xx has acted. Ids that we asked for and that do not come with a 200 leave the run to be found. */
function readAccepted(answer: Answer, call: Call, wantsDetails: boolean): DispatchAccepted {
  if (answer.status === 204) return { runId: null, runUrl: '' };
  if (wantsDetails) return parseAnswer(dispatchReply, answer, call);
  const parsed = dispatchReply.safeParse(answer.data);
  return parsed.success ? parsed.data : { runId: null, runUrl: '' };
}

function mayRefuseDetails(error: unknown): error is ForgeError {
  if (!(error instanceof ForgeError) || error.code !== 'invalid') return false;
  return error.status === 400 || error.message.includes('return_run_details');
}

function assertWithinLimits(dispatch: Dispatch): void {
  const count = Object.keys(dispatch.inputs).length;
  if (count > MAX_INPUTS) {
    throw tooMuch(dispatch, `${String(count)} inputs; GitHub takes ${String(MAX_INPUTS)}`);
  }
  const characters = JSON.stringify(dispatch.inputs).length;
  if (characters > MAX_INPUT_CHARACTERS) {
    const most = String(MAX_INPUT_CHARACTERS);
    throw tooMuch(dispatch, `inputs of ${String(characters)} characters; GitHub takes ${most}`);
  }
}

function tooMuch(dispatch: Dispatch, what: string): ForgeError {
  const { workflowId, owner, repo } = dispatch;
  return new ForgeError(`not sent: ${workflowId} of ${owner}/${repo} has ${what}`, {
    code: 'invalid-inputs',
    acted: 'no',
  });
}
