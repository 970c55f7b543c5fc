import { describe, expect, it } from 'vitest';
import type { Group } from '../../domain/group.ts';
import type { UsedRepo } from '../../store/port/runners.ts';
import { derivedRepos, wantedScopes } from './runner-scopes.ts';

const group = (id: string, rest: Partial<Group> = {}): Group => ({
  id,
  forgeId: 'github',
  name: id,
  description: '',
  runnerLabels: ['x'],
  labelCase: 'ignored',
  runnerScopes: null,
  maxParallel: null,
  isEnabled: true,
  isPaused: false,
  createdAt: 0,
  updatedAt: 0,
  ...rest,
});
const types: Record<string, 'org' | 'user' | 'unknown'> = {
  acme: 'org',
  ann: 'user',
  other: 'unknown',
};

function scopesOf(groups: Group[], used: UsedRepo[], stored: string[] = []): string[] {
  return wantedScopes(groups, derivedRepos(groups, used), (owner) => types[owner], stored);
}

describe('runners are looked for', () => {
  it('with the organisations that own the templates, each once', () => {
    const used = [
      { groupId: 'g', owner: 'acme', repo: 'a' },
      { groupId: 'g', owner: 'acme', repo: 'b' },
    ];
    expect(scopesOf([group('g')], used)).toEqual(['org:acme']);
  });

  it('in each repository where the owner is a user, who has no list of runners', () => {
    const used = [
      { groupId: 'g', owner: 'ann', repo: 'a' },
      { groupId: 'g', owner: 'ann', repo: 'b' },
    ];
    expect(scopesOf([group('g')], used)).toEqual(['repo:ann/a', 'repo:ann/b']);
  });

  it('with an owner that only a manual job names (defect #15)', () => {
    const used = [{ groupId: 'g', owner: 'other', repo: 'r' }];
    expect(scopesOf([group('g')], used)).toEqual(['org:other']);
  });

  it('only where the group says, if it says', () => {
    const groups = [group('g', { runnerScopes: ['enterprise:big'] })];
    const used = [{ groupId: 'g', owner: 'acme', repo: 'a' }];
    expect(scopesOf(groups, used)).toEqual(['enterprise:big']);
  });

  it('for no group that has left the config (defect #13)', () => {
    const groups = [group('g', { isEnabled: false, runnerScopes: ['org:gone'] })];
    const used = [{ groupId: 'g', owner: 'acme', repo: 'a' }];
    expect(scopesOf(groups, used)).toEqual([]);
  });

  it('where they were, as long as nobody has said what the owner is; at first nowhere', () => {
    const used = [
      { groupId: 'g', owner: 'Silent', repo: 'r' },
      { groupId: 'g', owner: 'silent-org', repo: 'r' },
      { groupId: 'g', owner: 'new', repo: 'r' },
    ];
    const stored = ['repo:silent/r', 'repo:silent/gone', 'org:silent-org', 'org:gone'];
    const scopes = scopesOf([group('g')], used, stored);
    expect(scopes).toEqual(['org:silent-org', 'repo:silent/r']);
  });

  it('with an owner that cannot be read as with an organisation, and besides where they were', () => {
    const used = [{ groupId: 'g', owner: 'other', repo: 'r' }];
    expect(scopesOf([group('g')], used, ['repo:other/r'])).toEqual(['org:other', 'repo:other/r']);
  });
});
