import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { CredentialBreaker } from './credential-breaker.ts';

const workflow = (repo: string, workflowId = 'ci.yml') => ({ owner: 'acme', repo, workflowId });
const [A, B, C] = [workflow('a'), workflow('b'), workflow('c')];

function open() {
  const clock = new FakeClock();
  return { clock, breaker: new CredentialBreaker(clock, { firstMs: 1_000, longestMs: 60_000 }) };
}

describe('the breaker of a credential', () => {
  it('stays closed while one workflow alone fails, however often', () => {
    const { breaker } = open();
    for (let count = 0; count < 8; count += 1) expect(breaker.fail(A)).toBe(true);
    expect(breaker.allowed).toBe(Infinity);
  });

  it('opens when a workflow of a second repository begins to fail, and then takes the failures on itself', () => {
    const { breaker } = open();
    breaker.fail(A);
    expect(breaker.fail(B)).toBe(true);
    expect(breaker.allowed).toBe(0);
    expect(breaker.fail(C)).toBe(false);
  });

  it('tells once that the forge works again after it failed as a whole', async () => {
    const { breaker, clock } = open();
    breaker.fail(A);
    breaker.succeed(C);
    expect(breaker.takeRecovery()).toBe(false);
    breaker.fail(A);
    breaker.fail(B);
    breaker.fail(C);
    await clock.advance(1_000);
    breaker.start();
    breaker.succeed(C);
    expect([breaker.takeRecovery(), breaker.takeRecovery()]).toEqual([true, false]);
  });

  it('tells that a limit which several met is over, once one of them is started', () => {
    const { breaker } = open();
    breaker.limit(A);
    breaker.limit(B);
    breaker.accept(C);
    expect(breaker.takeRecovery()).toBe(false);
    breaker.accept(B);
    expect([breaker.takeRecovery(), breaker.takeRecovery()]).toEqual([true, false]);
  });

  it('stays closed while many workflows of one repository fail', async () => {
    const { breaker, clock } = open();
    for (let count = 0; count < 20; count += 1) {
      expect(breaker.fail(workflow('a', `${count % 10}.yml`))).toBe(true);
      await clock.advance(1_000);
    }
    expect(breaker.allowed).toBe(Infinity);
  });

  it('stays closed when the forge answered in between', () => {
    const { breaker } = open();
    breaker.fail(A);
    breaker.succeed(C);
    breaker.fail(B);
    expect(breaker.allowed).toBe(Infinity);
  });

  it('is not opened again by those that go on failing once another works', async () => {
    const { breaker, clock } = open();
    breaker.fail(A);
    breaker.fail(B);
    await clock.advance(1_000);
    expect(breaker.isProbeDue).toBe(true);
    breaker.start();
    breaker.succeed(C);
    for (const failing of [A, B, A, B]) expect(breaker.fail(failing)).toBe(true);
    expect(breaker.allowed).toBe(Infinity);
  });

  it('opens at once when the forge is not reached at all', () => {
    const { breaker, clock } = open();
    breaker.failToReach();
    expect(breaker.retryAt).toBe(clock.now() + 1_000);
  });

  it('knows what failed longest ago, repository and workflow, and forgets what works', async () => {
    const { breaker, clock } = open();
    breaker.fail(A);
    await clock.advance(5);
    breaker.fail(B);
    expect(breaker.failedAt(A).workflow).toBeLessThan(breaker.failedAt(B).workflow);
    expect(breaker.failedAt(A).repo).toBeLessThan(breaker.failedAt(B).repo);
    expect(breaker.failedAt({ ...C, repo: 'B' })).toEqual(breaker.failedAt(B));
    const other = workflow('a', 'other.yml');
    expect(breaker.failedAt(other)).toEqual({ ...breaker.failedAt(A), workflow: -Infinity });
    breaker.succeed(other);
    expect(breaker.failedAt(other)).toEqual({ repo: -Infinity, workflow: -Infinity });
    expect(breaker.failedAt(A).repo).toBe(-Infinity);
    expect(breaker.failedAt(A).workflow).not.toBe(-Infinity);
  });
});
