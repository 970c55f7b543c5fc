import { describe, expect, it } from 'vitest';
import type { Group } from '../domain/group.ts';
import { wantedScopes } from './runner-scopes.ts';

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
const types: Record<string, 'org' | 'user' | 'unknown'> = { acme: 'org', ann: 'user' };
const typeOf = (owner: string) => Promise.resolve(types[owner] ?? 'unknown');

describe('runners are looked for', () => {
  it('with the organisations that own the templates, each once', async () => {
    const used = [
      { groupId: 'g', owner: 'acme', repo: 'a' },
      { groupId: 'g', owner: 'acme', repo: 'b' },
    ];
    expect(await wantedScopes([group('g')], used, typeOf)).toEqual(['org:acme']);
  });

  it('in each repository where the owner is a user, who has no list of runners', async () => {
    const used = [
      { groupId: 'g', owner: 'ann', repo: 'a' },
      { groupId: 'g', owner: 'ann', repo: 'b' },
    ];
    expect(await wantedScopes([group('g')], used, typeOf)).toEqual(['repo:ann/a', 'repo:ann/b']);
  });

  it('with an owner that only a manual job names (defect #15)', async () => {
    const used = [{ groupId: 'g', owner: 'other', repo: 'r' }];
    expect(await wantedScopes([group('g')], used, typeOf)).toEqual(['org:other']);
  });

  it('only where the group says, if it says', async () => {
    const groups = [group('g', { runnerScopes: ['enterprise:big'] })];
    const used = [{ groupId: 'g', owner: 'acme', repo: 'a' }];
    expect(await wantedScopes(groups, used, typeOf)).toEqual(['enterprise:big']);
  });

  it('for no group that has left the config (defect #13)', async () => {
    const groups = [group('g', { isEnabled: false, runnerScopes: ['org:gone'] })];
    const used = [{ groupId: 'g', owner: 'acme', repo: 'a' }];
    expect(await wantedScopes(groups, used, typeOf)).toEqual([]);
  });
});
