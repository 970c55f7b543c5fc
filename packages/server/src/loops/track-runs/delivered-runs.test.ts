import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT, run } from '../../domain/attempt.testkit.ts';
import type { Attempt } from '../../domain/attempt.ts';
import { ForgeError } from '../../forge/forge.ts';
import { resolve, type Seen } from './resolve-attempts.testkit.ts';

const LATE_MS = 400_000;
const LONG_AFTER_MS = 36 * 60_000;

const lost = attempt('aaaa', { missingSince: CLAIMED_AT + 300_000 });
const sent: Attempt = { ...lost, correlationInput: 'dispatch-id', isNamed: true };
const own = run('7', { name: 'Build aaaa' });
const listed = ['aaaa missing', 'listed plainly'];

const poll = (seen: Seen, one = sent, atMs = LATE_MS) => resolve([one], [], atMs, seen);

describe('a run that a webhook has told of, and no listing shows', () => {
  it('is read by its id before its attempt is called absent, and is its run', async () => {
    expect(await poll({ told: [own] })).toEqual([...listed, 'read 7', 'aaaa has 7 by input']);
  });

  it('is told by its time as any other', async () => {
    const took = [...listed, 'read 7', 'aaaa has 7 by order'];
    expect(await poll({ told: [run('7')] }, lost)).toEqual(took);
  });

  it('is what the forge shows of it, whatever was told', async () => {
    const read = { '7': run('7', { actor: 'alice' }) };
    const foreign = [...listed, 'read 7', 'aaaa absent'];
    expect(await poll({ told: [run('7')], read }, lost)).toEqual(foreign);
  });

  it.each(['not-found', 'bad-reply'] as const)(
    'is taken as it was told where the forge cannot show it (%s): nothing is sent again',
    async (failure) => {
      const read = { '7': failure };
      const took = [...listed, 'read 7', 'aaaa has 7 by input'];
      expect(await poll({ told: [own], read })).toEqual(took);
      const [, , , ambiguous] = await poll({ told: [run('7', { status: 'completed' })], read });
      expect(ambiguous).toContain('aaaa ambiguous');
    },
  );

  it('that cannot be read for another reason leaves everything open', async () => {
    const read = { '7': 'unavailable' } as const;
    await expect(poll({ told: [own], read })).rejects.toThrow(ForgeError);
  });

  it('is not read where it cannot matter', async () => {
    const told = [
      run('1', { path: '.github/workflows/x.yml' }),
      run('2', { branch: 'next' }),
      run('3', { createdAt: CLAIMED_AT - 3_600_000 }),
    ];
    expect(await poll({ told })).toEqual([...listed, 'aaaa absent']);
  });

  it('is not read where a listing shows it, or an attempt has it', async () => {
    const has = attempt('b', { state: 'accepted', runId: '7', matchedBy: 'reply' });
    expect(await resolve([sent, has], [], LATE_MS, { told: [own] })).not.toContain('read 7');
    expect(await poll({ told: [own], plain: [own] })).not.toContain('read 7');
  });

  it('is read, of another workflow or branch, where it bears the id', async () => {
    const elsewhere = { ...own, path: '.github/workflows/Deploy.yml', workflowId: '8' };
    const took = [...listed, 'read 7', 'aaaa has 7 by input'];
    expect(await poll({ told: [elsewhere] })).toEqual(took);
  });

  it('is not asked for while nothing is concluded', async () => {
    expect(await poll({ told: [own], plain: null })).toEqual(listed);
    expect(await poll({ told: [own] }, { ...sent, missingSince: null })).toEqual(['aaaa missing']);
  });
});

describe('more runs than are read at a look that webhooks have told of, and no listing shows', () => {
  const many = Array.from({ length: 21 }, (_, n) =>
    run(String(100 + n), { actor: 'alice', createdAt: CLAIMED_AT + n * 1_000 }),
  );
  const reads = (done: readonly string[]) => done.filter((what) => what.startsWith('read'));

  it('leave it open whether it is one of them, and are not read again at once', async () => {
    const done = await poll({ told: many }, lost);
    expect(reads(done)).toEqual(
      many
        .slice(1)
        .map(({ id }) => `read ${id}`)
        .reverse(),
    );
    expect(done.at(-1)).toBe('listed again later');
  });

  it('fail its job in the end, and never have it sent again', async () => {
    const done = await poll({ told: many }, lost, LONG_AFTER_MS);
    expect(done.at(-1)).toContain('aaaa ambiguous');
  });

  it('do not hide the one that bears its id, though it is the oldest', async () => {
    const done = await poll({ told: [own, ...many] });
    expect(reads(done)).toHaveLength(20);
    expect(done).toContain('aaaa has 7 by input');
  });
});

describe('while runs cannot be listed', () => {
  const unlisted = (seen: Seen, ...attempts: Attempt[]) =>
    resolve(attempts, [], LATE_MS, { ...seen, isUnlisted: true });

  it('one that bears the id of a lost answer, as a webhook has told, is its run', async () => {
    expect(await unlisted({ told: [own] }, sent)).toEqual(['read 7', 'aaaa has 7 by input']);
  });

  it('none is read that bears no id', async () => {
    expect(await unlisted({ told: [run('7')] }, sent, lost)).toEqual([]);
  });

  it('none is taken that may have been handed the id', async () => {
    const handedOn = { ...own, createdAt: CLAIMED_AT + 3_000 };
    const told = [run('6'), handedOn];
    expect(await unlisted({ told }, sent)).toEqual(['read 7', 'read 6']);
  });

  it('nothing is concluded, however long that lasts', async () => {
    expect(await unlisted({}, sent, lost)).toEqual([]);
    const named = { ...own, actor: 'alice' };
    const late = resolve([sent], [], LONG_AFTER_MS, { told: [named], isUnlisted: true });
    expect(await late).toEqual(['read 7']);
  });
});
