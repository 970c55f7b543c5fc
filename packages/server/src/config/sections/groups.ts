import type { GroupConfig, RunnerScope, UnreadSource } from '../config.ts';
import type { Cursor } from '../cursor.ts';
import { list, type Section, type Spotted, section, spotted } from '../decode.ts';
import { integer, quoteAt, reading, text } from '../scalars.ts';
import { GITHUB_ID } from './github.ts';
import { buildTemplate, type FoundTemplate, templateFields } from './templates.ts';

export const groupFields = {
  id: text(),
  name: text(),
  description: text(),
  runner_labels: list(spotted(text())),
  max_parallel: integer({ fallback: 0, min: 1, max: 100_000 }),
  runner_scopes: list(spotted(text())),
  workflow_dispatch_templates: list(section(templateFields)),
  workflow_dispatch_templates_files: list(spotted(text())),
  workflow_dispatch_templates_urls: list(spotted(reading())),
};

export const groupsFields = { github: list(section(groupFields)) };

export type GroupSection = Section<typeof groupFields>;

/** A group with its templates from everywhere, in the order in which they count. */
export interface FoundGroup {
  readonly group: GroupSection;
  readonly templates: readonly FoundTemplate[];
  readonly unread: readonly UnreadSource[];
}

export function buildGroups(found: readonly FoundGroup[]): GroupConfig[] {
  const groups = found.map(({ group }) => group);
  refuseRepeated(
    groups.map(({ values, at }) => ({ value: values.id, at: at.id })),
    'id',
  );
  refuseRepeated(
    groups.map(({ values, at }) => ({ value: nameOf(values), at: at.name })),
    'name',
  );
  refuseRepeated(
    found.flatMap(({ templates }) =>
      templates.map(({ template: { values, at } }) => ({ value: values.id, at: at.id })),
    ),
    'template id, in this group or another,',
  );
  return found.map(buildGroup);
}

function buildGroup({ group: { values, at }, templates, unread }: FoundGroup): GroupConfig {
  if (values.id === '') at.id.problem('is missing; write a short name that never changes');
  if (/[^\w.~@:+-]/.test(values.id)) {
    at.id.warn('stands in addresses as it is; letters, digits, ".", "_" and "-" are safe');
  }
  return {
    id: values.id,
    forgeId: GITHUB_ID,
    name: nameOf(values),
    description: values.description,
    runnerLabels: checkLabels(values.runner_labels, at.runner_labels),
    maxParallel: values.max_parallel === 0 ? null : values.max_parallel,
    runnerScopes: values.runner_scopes.length === 0 ? null : checkScopes(values.runner_scopes),
    templates: templates.map(buildTemplate),
    unreadSources: unread,
  };
}

// The Go program kept `name` unique in its database only, and failed there.
function nameOf(values: GroupSection['values']): string {
  return values.name === '' ? values.id : values.name;
}

function checkLabels(labels: readonly Spotted<string>[], at: Cursor): string[] {
  if (labels.length === 0) {
    at.problem(
      'is missing; write the labels that a runner must have, such as [self-hosted, linux]',
    );
  }
  for (const label of labels) {
    if (label.value === '') label.at.problem('is empty; write a label or remove the line');
  }
  return labels.map(({ value }) => value);
}

function checkScopes(scopes: readonly Spotted<string>[]): RunnerScope[] {
  return scopes.flatMap(({ value, at }) => {
    if (isScope(value)) return [value];
    at.problem(`${quoteAt(at)} is no scope; write org:NAME, repo:OWNER/NAME or enterprise:NAME`);
    return [];
  });
}

function isScope(value: string): value is RunnerScope {
  return /^(?:(?:org|enterprise):[^\s/:]+|repo:[^\s/:]+\/[^\s/:]+)$/.test(value);
}

function refuseRepeated(ids: readonly Spotted<string>[], what: string): void {
  const seen = new Map<string, Cursor>();
  for (const { value, at } of ids) {
    if (value === '') continue;
    const first = seen.get(value);
    if (first === undefined) seen.set(value, at);
    else
      at.problem(
        `"${value}" is taken: ${what} must be unique, and ${spot(first)} has it; write another`,
      );
  }
}

function spot({ place }: Cursor): string {
  return `${place.file}:${String(place.line)}`;
}
