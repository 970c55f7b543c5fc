import type { Group } from '../domain/group.ts';
import type { UsedRepo } from '../store/port/runners.ts';

export type OwnerType = 'org' | 'user' | 'unknown';

/**
 * Where runners are looked for: a group's own `runner_scopes`, else the owners of its templates and of its jobs
 * that have not ended; an owner that is a user has no runner list of its own, so its repositories are asked one by one.
 * An owner whose type cannot be read counts as an organisation: the failed listing then says what is wrong.
 */
export async function wantedScopes(
  groups: readonly Group[],
  used: readonly UsedRepo[],
  ownerType: (owner: string) => Promise<OwnerType>,
): Promise<string[]> {
  const scopes = new Set<string>();
  const open = groups.filter((group) => group.isEnabled);
  for (const group of open) for (const scope of group.runnerScopes ?? []) scopes.add(scope);
  const derived = new Set(open.filter((g) => g.runnerScopes === null).map((g) => g.id));
  for (const { groupId, owner, repo } of used) {
    if (!derived.has(groupId) || owner === '') continue;
    const type = await ownerType(owner);
    scopes.add(type === 'user' ? `repo:${owner}/${repo}` : `org:${owner}`);
  }
  return [...scopes].sort();
}
