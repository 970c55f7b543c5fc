import type { Group } from '../../domain/group.ts';
import type { UsedRepo } from '../../store/port/runners.ts';

export type OwnerType = 'org' | 'user' | 'unknown';

/**
 * Repositories whose owners decide where runners are looked for: those of the templates, and of the jobs that have not
 * ended, of groups without `runner_scopes` of their own.
 */
export function derivedRepos(groups: readonly Group[], used: readonly UsedRepo[]): UsedRepo[] {
  const derived = new Set(
    groups.filter((g) => g.isEnabled && g.runnerScopes === null).map(({ id }) => id),
  );
  return used.filter(({ groupId, owner }) => derived.has(groupId) && owner !== '');
}

/**
 * Where runners are looked for: where groups say so themselves, and with the owners of these repositories; an owner that
 * is a user has no runner list of its own, so its repositories are asked one by one.
 * As long as nobody has said what an owner is, its runners are looked for where they were: nobody's are to be forgotten
 * because a forge does not answer. One whose type cannot be read counts as an organisation besides: the failed listing
 * then says what is wrong.
 *
 * @param ownerType `undefined`: not known yet
 * @param stored where runners were looked for before
 */
export function wantedScopes(
  groups: readonly Group[],
  repos: readonly UsedRepo[],
  ownerType: (owner: string) => OwnerType | undefined,
  stored: readonly string[],
): string[] {
  const scopes = new Set<string>();
  const open = groups.filter((group) => group.isEnabled);
  for (const group of open) for (const scope of group.runnerScopes ?? []) scopes.add(scope);
  for (const { owner, repo } of repos) {
    const type = ownerType(owner);
    const [ofOwner, ofRepo] = [`org:${owner}`, `repo:${owner}/${repo}`];
    if (type === 'org' || type === 'unknown') scopes.add(ofOwner);
    if (type === 'user') scopes.add(ofRepo);
    if (type === 'org' || type === 'user') continue;
    const names = [ofOwner, ofRepo].map((scope) => scope.toLowerCase());
    for (const scope of stored) if (names.includes(scope.toLowerCase())) scopes.add(scope);
  }
  return [...scopes].sort();
}
