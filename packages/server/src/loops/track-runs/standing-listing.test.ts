import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT, run } from '../../domain/attempt.testkit.ts';
import { resolve, type Seen } from './resolve-attempts.testkit.ts';
import { DeletedRuns } from './standing-listing.ts';

const LATE_MS = 400_000;
const lost = attempt('aaaa', { missingSince: CLAIMED_AT + 300_000 });
const poll = (seen: Seen, atMs = LATE_MS) => resolve([lost], [], atMs, seen);
/** Of another workflow: nobody takes it for the one that is looked for. */
const other = run('9', { path: '.github/workflows/other.yml' });
const looked = ['aaaa missing', 'listed plainly'];

describe('a plain listing that lacks a run which a reply has named', () => {
  it('stands still, so nothing is called absent (a job ran twice)', async () => {
    const told = await poll({ named: { '9': 60_000 }, read: { '9': run('9') } });
    expect(told).toEqual([...looked, 'read 9', 'listed again later']);
  });

  it('is as it should be where that run was deleted', async () => {
    expect(await poll({ named: { '9': 60_000 } })).toEqual([...looked, 'read 9', 'aaaa absent']);
  });

  it('is as it should be where that run may be too new to be listed', async () => {
    const read = { '9': run('9') };
    expect(await poll({ named: { '9': LATE_MS - 64_999 }, read })).toEqual([
      ...looked,
      'aaaa absent',
    ]);
    const [, , third] = await poll({ named: { '9': LATE_MS - 65_000 }, read });
    expect(third).toBe('read 9');
  });

  it('is asked for so far back that one must be on it, up to an hour (a job ran twice beside a run of 90 s before)', async () => {
    const read = { '9': run('9') };
    const told = await poll({ named: { '9': -90_000, '8': -200_000 }, read });
    expect(told).toEqual([
      'aaaa missing',
      'listed plainly, 91000 ms back',
      'read 9',
      'listed again later',
    ]);
    expect(await poll({ named: { '9': -90_000 }, plain: [other], read })).toContain('aaaa absent');
    const hour = 60 * 60_000;
    expect(await poll({ named: { '9': -hour - 60_000 }, read })).toEqual([
      ...looked,
      'aaaa absent',
    ]);
  });

  it('shows a run made in the second before the earliest that is looked for: one dispatched each second ended ambiguous', async () => {
    const seen = { named: { '9': -59_001 }, plain: [other] };
    expect(await poll(seen)).toContain('aaaa absent');
  });

  it('is asked for as far back as the stamp of that run may be off', async () => {
    const seen = { uncertaintyMs: 90_000, createdSince: CLAIMED_AT - 160_000 };
    const atMs = LATE_MS + 180_000;
    const told = await poll({ ...seen, named: { '9': -70_001 }, read: { '9': run('9') } }, atMs);
    expect(told).toContain('listed plainly, 161001 ms back');
    expect(told).toContain('read 9');
  });

  it('stands still where a run goes on that it lacks, however many newer ones were deleted (a job ran twice)', async () => {
    const newer = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`${n}0`, 70_000 + n]));
    const named = { '9': 60_000, ...newer };
    const told = await poll({ named, liveIds: ['9'], read: { '9': run('9') } });
    expect(told).toEqual([...looked, 'read 9', 'listed again later']);
  });

  it('is not believed before all that it lacks have been asked for, ten at a time and each once', async () => {
    const deletedRuns = new DeletedRuns();
    const named = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`${n}0`, 60_000 + n]));
    const readIn = (told: readonly string[]) => told.filter((one) => one.startsWith('read')).length;
    const first = await poll({ named, deletedRuns });
    expect(first).toContain('listed again later');
    expect(readIn(first)).toBe(10);
    const second = await poll({ named, deletedRuns });
    expect(second).toContain('aaaa absent');
    expect(readIn(second)).toBe(2);
  });

  it('says nothing of a run that cannot be read now', async () => {
    const seen: Seen = { named: { '9': 60_000 }, read: { '9': 'unavailable' } };
    await expect(poll(seen)).rejects.toThrow();
  });
});

it('a plain listing that shows the runs which replies have named is believed, without a request', async () => {
  const told = await poll({ plain: [other], named: { '9': 60_000 } });
  expect(told).toEqual([...looked, 'aaaa absent']);
});
