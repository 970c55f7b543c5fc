import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findScope, labelCaseOf, labelSetOf, labelsFit, scopeCovers } from './runner.ts';

describe('a scope', () => {
  it('is an organisation, a repository or an enterprise by name', () => {
    expect(findScope('org:acme')).toEqual({ kind: 'org', name: 'acme' });
    expect(findScope('repo:acme/app')).toEqual({ kind: 'repo', name: 'acme/app' });
    expect(findScope('enterprise:all')).toEqual({ kind: 'enterprise', name: 'all' });
  });

  it.each(['', 'acme', 'org:', 'org:acme/app', 'repo:acme', 'repo:a/b/c', 'user:a', 'org:a b'])(
    'is not %j',
    (text) => {
      expect(findScope(text)).toBeUndefined();
      expect(scopeCovers(text, 'acme', 'app')).toBe(false);
    },
  );

  it('covers its own repositories, without case', () => {
    expect(scopeCovers('org:Acme', 'acme', 'app')).toBe(true);
    expect(scopeCovers('org:acme', 'other', 'app')).toBe(false);
    expect(scopeCovers('repo:acme/App', 'ACME', 'app')).toBe(true);
    expect(scopeCovers('repo:acme/app', 'acme', 'lib')).toBe(false);
    expect(scopeCovers('enterprise:all', 'anyone', 'anything')).toBe(true);
  });
});

describe('labels', () => {
  it('that differ in case only are one to GitHub, two to Forgejo', () => {
    expect(labelsFit(['self-hosted', 'Linux', 'X64'], ['linux', 'x64'], 'ignored')).toBe(true);
    expect(labelsFit(['linux'], ['LINUX'], 'ignored')).toBe(true);
    expect(labelsFit(['linux'], ['LINUX', 'gpu'], 'ignored')).toBe(false);
    expect(['github', 'forgejo', 'gitea'].map(labelCaseOf)).toEqual(['ignored', 'kept', 'kept']);
  });

  it('fit when the runner has all that are asked for', () => {
    expect(labelsFit(['linux', 'gpu'], ['gpu'], 'kept')).toBe(true);
    expect(labelsFit(['linux'], ['linux', 'gpu'], 'kept')).toBe(false);
    expect(labelsFit(['Linux'], ['linux'], 'kept')).toBe(false);
    expect(labelsFit([], [], 'kept')).toBe(true);
  });

  it('have one canonical text, whatever their order and repeats', () => {
    const labels = fc.array(fc.string());
    fc.assert(
      fc.property(labels, (some) => {
        const text = labelSetOf(some);
        expect(labelSetOf([...some.toReversed(), ...some])).toBe(text);
        expect(new Set(JSON.parse(text) as string[])).toEqual(new Set(some));
      }),
    );
  });

  it('of different sets have different texts, also where labels hold commas or quotes', () => {
    expect(labelSetOf(['a,b'])).not.toBe(labelSetOf(['a', 'b']));
    expect(labelSetOf(['a","b'])).not.toBe(labelSetOf(['a', 'b']));
  });
});
