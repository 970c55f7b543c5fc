import { gates, hookEvents, jobConclusions, runConclusions } from './spec.ts';

/** JSON schemas of what may be put into the forge, in process and under /_sim/ alike. */

const text = { type: 'string', minLength: 1 };
const flag = { type: 'boolean' };
const fromInput = object({ fromInput: text }, ['fromInput']);

export function object(
  properties: Record<string, unknown>,
  required: readonly string[] = [],
): Record<string, unknown> {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** `[from, to]` in ms. */
export const span = {
  type: 'array',
  items: { type: 'integer', minimum: 0 },
  minItems: 2,
  maxItems: 2,
};

export function list(items: unknown): Record<string, unknown> {
  return { type: 'array', items };
}

function orFromInput(schema: unknown): Record<string, unknown> {
  return { anyOf: [schema, fromInput] };
}

const scopePattern = '^(org:[^/]+|enterprise:[^/]+|repo:[^/]+/[^/]+)$';

export const runnerShape = object(
  {
    scope: { type: 'string', pattern: scopePattern },
    name: text,
    os: text,
    labels: list(text),
    online: flag,
    busy: flag,
    ephemeral: flag,
  },
  ['scope', 'name', 'labels'],
);

export const tokenShape = object(
  {
    token: text,
    login: text,
    owners: list(text),
    scopes: { enum: ['all', 'read'] },
    unauthorisedBy: list(text),
  },
  ['token', 'login'],
);

const inputShape = object({
  required: flag,
  default: { type: 'string' },
  type: { enum: ['string', 'boolean', 'number', 'choice', 'environment'] },
  options: list({ type: 'string' }),
});

const workflowJobShape = object(
  {
    name: text,
    runsOn: orFromInput(list(text)),
    durationMs: orFromInput({ type: 'number', minimum: 0 }),
    conclusion: orFromInput({ enum: jobConclusions }),
    needs: list(text),
    ignoresCancel: flag,
  },
  ['name', 'runsOn', 'durationMs'],
);

const workflowShape = object(
  {
    owner: text,
    repo: text,
    file: text,
    name: text,
    refs: list(text),
    inputs: { type: 'object', additionalProperties: inputShape },
    runName: text,
    jobs: list(workflowJobShape),
    runConclusion: orFromInput({ enum: runConclusions }),
    gate: { enum: gates },
    concurrency: object({ group: text, cancelInProgress: flag }, ['group']),
    isDispatchable: flag,
    isDisabled: flag,
    parseError: text,
  },
  ['owner', 'repo', 'file', 'jobs'],
);

export const hookShape = object(
  {
    url: { type: 'string', pattern: '^https?://[^/]' },
    secret: text,
    events: list({ enum: hookEvents }),
    owner: text,
    repo: text,
  },
  ['url'],
);

export const worldShape = object({
  owners: list(
    object({ login: text, type: { enum: ['Organization', 'User'] } }, ['login', 'type']),
  ),
  tokens: list(tokenShape),
  repos: list(object({ owner: text, name: text, archived: flag }, ['owner', 'name'])),
  workflows: list(workflowShape),
  runners: list(runnerShape),
  hooks: list(hookShape),
});
