import type { SyncGroup, SyncTemplate } from '../port/catalog.ts';
import { toJson } from '../rows.ts';
import type { Bool, GroupRow, Schema, TemplateRow } from '../schema.ts';

/** What the config decides of a group; the rest of the row belongs to people and to the store. */
export type GroupFields = Omit<GroupRow, 'is_paused' | 'next_number' | 'created_at' | 'updated_at'>;
export type TemplateFields = Omit<TemplateRow, 'created_at' | 'updated_at'>;

export interface Stored {
  readonly forge: Schema['forges'] | undefined;
  /** Of all forges: ids are one namespace. */
  readonly groups: readonly GroupRow[];
  readonly templates: readonly StoredTemplate[];
}

export interface StoredTemplate extends TemplateRow {
  /** Some job, ended or not, was made from it. */
  readonly is_used: Bool;
}

export interface CatalogDifference {
  readonly isForgeNews: boolean;
  readonly groups: readonly Change<GroupRow, GroupFields>[];
  /** Enabled groups of this forge that the config does not name any more. */
  readonly leftGroups: readonly GroupRow[];
  readonly templates: readonly Change<TemplateRow, TemplateFields>[];
  /** Templates of this forge's groups that the config does not name any more: to be marked so, or deleted if unused. */
  readonly leftTemplates: readonly StoredTemplate[];
}

export interface Change<Row, Fields> {
  readonly from: Row | undefined;
  readonly to: Fields;
}

/** Pure: what has to be written so that the rows are what the config says. */
export function compareCatalog(
  stored: Stored,
  forge: { readonly id: string; readonly kind: string },
  wanted: readonly SyncGroup[],
): CatalogDifference {
  const groups = wanted.map((group) => groupFieldsOf(forge.id, group));
  const templates = wanted.flatMap((group) =>
    group.templates.map((template) => templateFieldsOf(group.id, template)),
  );
  const oursBefore = stored.groups.filter((group) => group.forge_id === forge.id);
  const ourGroupIds = new Set([...oursBefore, ...groups].map((group) => group.id));
  const ourTemplates = stored.templates.filter((template) => ourGroupIds.has(template.group_id));
  return {
    isForgeNews: stored.forge?.kind !== forge.kind,
    groups: changesOf(stored.groups, groups),
    leftGroups: missingFrom(groups, oursBefore).filter((group) => group.is_enabled === 1),
    templates: changesOf(stored.templates, templates),
    leftTemplates: missingFrom(templates, ourTemplates).filter(
      (template) =>
        (template.in_config === 1 || template.is_used === 0) && !isUnread(template, wanted),
    ),
  };
}

/** What it says now is not known: it stays. */
function isUnread(template: TemplateRow, wanted: readonly SyncGroup[]): boolean {
  const group = wanted.find(({ id }) => id === template.group_id);
  return template.in_config === 1 && group?.unreadSources?.includes(template.source_path) === true;
}

export function isNoDifference(difference: CatalogDifference): boolean {
  const { isForgeNews, groups, leftGroups, templates, leftTemplates } = difference;
  const lists = [groups, leftGroups, templates, leftTemplates];
  return !isForgeNews && lists.every((list) => list.length === 0);
}

function changesOf<Fields extends { readonly id: string }, Row extends Fields>(
  stored: readonly Row[],
  wanted: readonly Fields[],
): Change<Row, Fields>[] {
  const byId = new Map(stored.map((row) => [row.id, row]));
  return wanted
    .map((to) => ({ from: byId.get(to.id), to }))
    .filter(({ from, to }) => from === undefined || differs(from, to));
}

function differs<Fields extends object>(from: Fields, to: Fields): boolean {
  return (Object.keys(to) as (keyof Fields)[]).some((field) => from[field] !== to[field]);
}

/** A job queued before would be sent as something else. How it is sent (`runners`, `correlation_input`) is no part of it. */
export function isOtherContent(from: TemplateFields, to: TemplateFields): boolean {
  const fields = ['owner', 'repo', 'workflow_id', 'ref', 'default_inputs'] as const;
  return fields.some((field) => from[field] !== to[field]);
}

function missingFrom<Row extends { readonly id: string }>(
  wanted: readonly { readonly id: string }[],
  stored: readonly Row[],
): Row[] {
  const ids = new Set(wanted.map((each) => each.id));
  return stored.filter((row) => !ids.has(row.id));
}

function groupFieldsOf(forgeId: string, group: SyncGroup): GroupFields {
  return {
    id: group.id,
    forge_id: forgeId,
    name: group.name,
    description: group.description,
    runner_labels: JSON.stringify(group.runnerLabels),
    runner_scopes: toJson(group.runnerScopes),
    max_parallel: group.maxParallel,
    is_enabled: 1,
  };
}

function templateFieldsOf(groupId: string, template: SyncTemplate): TemplateFields {
  return {
    id: template.id,
    group_id: groupId,
    name: template.name,
    owner: template.owner,
    repo: template.repo,
    workflow_id: template.workflowId,
    ref: template.ref,
    default_inputs: toJson(template.defaultInputs),
    labels: toJson(template.labels),
    runners: template.runners,
    correlation_input: template.correlationInput,
    in_config: 1,
    source_type: template.sourceType,
    source_path: template.sourcePath,
  };
}
