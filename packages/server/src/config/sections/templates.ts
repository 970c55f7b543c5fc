import type { TemplateConfig, TemplateSource } from '../config.ts';
import type { Cursor } from '../cursor.ts';
import { mapOf, type Section } from '../decode.ts';
import { integer, text } from '../scalars.ts';

/** GitHub refuses a dispatch with more. */
const MAX_INPUTS = 25;

export const templateFields = {
  id: text(),
  name: text(),
  owner: text(),
  repo: text(),
  workflow_id: text(),
  ref: text('main'),
  inputs: mapOf(text()),
  labels: mapOf(text()),
  runners: integer({ fallback: 1, min: 1, max: 10_000 }),
  correlation_input: text(),
};

export interface FoundTemplate {
  readonly template: Section<typeof templateFields>;
  readonly sourceType: TemplateSource;
  readonly sourcePath: string;
}

export function buildTemplate({ template, ...source }: FoundTemplate): TemplateConfig {
  const { values, at } = template;
  for (const key of ['id', 'owner', 'repo', 'workflow_id'] as const) {
    if (values[key] === '') at[key].problem(`is missing; write ${examples[key]}`);
  }
  for (const key of ['owner', 'repo', 'workflow_id'] as const)
    warnOfPath(values[key], at[key], key);
  const inputs = toRecord(values.inputs);
  const correlationInput = values.correlation_input === '' ? null : values.correlation_input;
  checkInputCount(inputs, correlationInput, at.inputs);
  return {
    id: values.id,
    name: values.name,
    owner: values.owner,
    repo: values.repo,
    workflowId: values.workflow_id,
    ref: values.ref,
    inputs,
    labels: toRecord(values.labels),
    runners: values.runners,
    correlationInput,
    sourceType: source.sourceType,
    sourcePath: source.sourcePath,
  };
}

const examples = {
  id: 'a short name that never changes',
  owner: 'the organisation or user that owns the repository',
  repo: 'the name of the repository, without its owner',
  workflow_id: 'the file name of the workflow, such as test.yaml',
} as const;

// Not refused: one template that GitHub would not find must not stop all the others.
function warnOfPath(value: string, at: Cursor, key: keyof typeof examples): void {
  if (/[/\s]/.test(value)) at.warn(`GitHub will not find this; write ${examples[key]}`);
}

function checkInputCount(
  inputs: Readonly<Record<string, string>>,
  correlationInput: string | null,
  at: Cursor,
): void {
  const names = new Set([
    ...Object.keys(inputs),
    ...(correlationInput === null ? [] : [correlationInput]),
  ]);
  if (names.size > MAX_INPUTS) {
    at.problem(
      `${String(names.size)} inputs, correlation_input included; GitHub takes ${String(MAX_INPUTS)}, put several into one as JSON`,
    );
  }
}

function toRecord(
  entries: readonly (readonly [string, { readonly value: string }])[],
): Record<string, string> {
  return Object.fromEntries(entries.map(([key, { value }]) => [key, value]));
}
