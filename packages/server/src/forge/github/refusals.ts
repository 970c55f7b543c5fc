/**
 * What GitHub means by refusing a dispatch, told by its words: one 422 stands for a wrong input, a missing ref, a broken
 * file and a disabled workflow alike. The words are those its users report: cli/cli#5246 and #12610,
 * benc-uk/workflow-dispatch#72 and #80, Codex-/return-dispatch#188. They are looked for at the beginning only: behind
 * them stand names and values that anybody may have chosen.
 */
import type { ForgeErrorCode } from '../forge.ts';
import { storableText } from './storable-text.ts';

export interface Refusal {
  readonly code: ForgeErrorCode;
  /** What to do about it, for people. */
  readonly advice: string;
  /** Of `invalid-inputs`: which of them, as far as the forge says. */
  readonly inputs?: readonly string[];
}

interface KnownRefusal extends Refusal {
  readonly status: number;
  readonly begins: RegExp;
}

const INPUTS_ADVICE =
  'another job of this workflow may be fine: give this one the inputs that the file declares under on.workflow_dispatch.inputs';

const KNOWN: readonly KnownRefusal[] = [
  ...[
    /^Unexpected inputs provided:/,
    /^Required input '/,
    /^Provided \w+ '/,
    /^For 'inputs\//,
    /^inputs are too large/,
    /^No more than \d+ properties are allowed/,
  ].map(
    (begins) => ({ status: 422, begins, code: 'invalid-inputs', advice: INPUTS_ADVICE }) as const,
  ),
  {
    status: 422,
    begins: /^Cannot trigger a 'workflow_dispatch' on a disabled workflow/,
    code: 'disabled',
    advice: 'enable the workflow on its page under Actions, or with gh workflow enable',
  },
  {
    status: 422,
    begins: /^No ref found for:/,
    code: 'invalid',
    advice: 'the repository has no such branch or tag: mend ref',
  },
  {
    status: 422,
    begins: /^Workflow does not have 'workflow_dispatch' trigger/,
    code: 'invalid',
    advice: 'add workflow_dispatch under "on:" of the workflow file at that ref',
  },
  {
    status: 422,
    begins: /^failed to parse workflow/,
    code: 'invalid',
    advice: 'mend the workflow file at that ref',
  },
  {
    status: 422,
    begins: /^(?:GitHub )?Actions (?:has been|is) disabled /,
    code: 'no-access',
    advice: 'allow GitHub Actions in the settings of the repository, or of its owner',
  },
  {
    status: 403,
    begins: /^Repository was archived/,
    code: 'archived',
    advice: 'unarchive the repository, or delete its jobs',
  },
];

/** Before its own words GitHub sometimes puts what kind of error it is. */
const PREFIX = /^(?:Invalid request\.|Invalid Argument -)\s*/;

/** @param message of the body of the answer */
export function findRefusal(status: number, message: string): Refusal | undefined {
  if (status === 413) return { code: 'invalid-inputs', advice: INPUTS_ADVICE };
  const words = message.replace(PREFIX, '');
  const known = KNOWN.find((one) => one.status === status && one.begins.test(words));
  if (known === undefined) return undefined;
  const { code, advice } = known;
  return { code, advice, ...(code === 'invalid-inputs' && { inputs: inputsIn(words) }) };
}

function inputsIn(words: string): string[] {
  const [, list] = /^Unexpected inputs provided: (\[.*\])$/s.exec(words) ?? [];
  if (list !== undefined) return stringsOf(list);
  // A value may hold quotes of its own, so the name is the last that is quoted.
  const [, name] = /input '([^']+)' [^']*$/s.exec(words) ?? [];
  return name === undefined ? [] : [name];
}

function stringsOf(list: string): string[] {
  try {
    const parsed: unknown = JSON.parse(list);
    if (!Array.isArray(parsed)) return [];
    return parsed.filter((one) => typeof one === 'string').map(storableText);
  } catch {
    return [];
  }
}

/** As users of many tools report them; "Forbidden" alone is what API gateways say. Before some stands the organisation's name. */
const LOST_ACCESS: readonly RegExp[] = [
  /^Resource not accessible by /,
  /^Resource protected by organization SAML enforcement/,
  /^Must have \w+ (?:rights|access) to /,
  /^Write access to repository not granted/,
  /^Although you appear to have the correct authorization credentials,/,
  /^(?:The )?[`'][\w.-]+[`'] (?:\w+ )?forbids access via /,
  /^Repository access blocked/,
  /^(?:GitHub )?Actions (?:has been|is) disabled /,
  /^(?:Sorry\. )?Your account (?:was|is|has been) suspended/,
  /^This installation has been suspended/,
  /^Maximum number of login attempts exceeded/,
];

/** @param message of the body of a 403 */
export function isLostAccess(message: string): boolean {
  return LOST_ACCESS.some((begins) => begins.test(message));
}

const LONGEST_LINK = 500;

/**
 * Where somebody can authorise the token for the organisation whose single sign-on asks for it. GitHub sends it with
 * its 403 (`X-GitHub-SSO: required; url=…`) and takes it for an hour.
 */
export function findSsoLink(headers: Readonly<Record<string, string>>): string | undefined {
  const [, link] = /^required;\s*url=(\S+)$/.exec(headers['x-github-sso'] ?? '') ?? [];
  if (link === undefined || link.length > LONGEST_LINK || !URL.canParse(link)) return undefined;
  return /^https?:$/.test(new URL(link).protocol) ? link : undefined;
}
