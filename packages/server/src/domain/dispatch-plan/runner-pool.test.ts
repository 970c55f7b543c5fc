import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelsFit, scopeCovers } from '../runner.ts';
import { hasBit } from './bits.ts';
import { runnerClass } from './dispatch-plan.testkit.ts';
import { RunnerPool } from './runner-pool.ts';

const scope = fc.constantFrom(
  'org:acme',
  'org:ACME',
  'org:other',
  'repo:acme/app',
  'repo:Acme/App',
  'repo:other/app',
  'enterprise:all',
  'not a scope',
  'repo:acme',
  'org:acme/app',
);
const labels = fc.uniqueArray(fc.constantFrom('a', 'A', 'b', 'B', 'c'));

const labelCase = fc.constantFrom('ignored' as const, 'kept' as const);

describe('RunnerPool', () => {
  it('finds by index what scopeCovers and labelsFit say of each class', () => {
    const classes = fc.array(fc.record({ scope, labels }), { maxLength: 40 });
    const owner = fc.constantFrom('acme', 'Acme', 'other', 'repo:acme', '');
    const repo = fc.constantFrom('app', 'APP', 'lib', '');
    fc.assert(
      fc.property(classes, owner, repo, labels, labelCase, (made, ofOwner, ofRepo, wanted, how) => {
        const pool = new RunnerPool(
          made.map((one) => runnerClass(one.labels, 1, one)),
          how,
        );
        pool.classes.forEach((one, n) => {
          expect(hasBit(pool.covering(ofOwner, ofRepo), n)).toBe(
            scopeCovers(one.scope, ofOwner, ofRepo),
          );
          expect(hasBit(pool.withLabels(wanted), n)).toBe(labelsFit(one.labels, wanted, how));
        });
      }),
      { numRuns: 500 },
    );
  });

  it('counts a class told in two parts as one', () => {
    const pool = new RunnerPool(
      [
        runnerClass(['a', 'b'], 2),
        runnerClass(['b', 'a', 'a'], 3),
        runnerClass(['a', 'B'], 4, { isFresh: false }),
      ],
      'ignored',
    );
    expect(pool.classes).toHaveLength(1);
    expect(pool.count(pool.all())).toEqual({ free: 5, online: 9, total: 9, hasFresh: true });
  });
});
