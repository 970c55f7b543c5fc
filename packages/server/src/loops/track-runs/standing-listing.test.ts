import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT, run } from '../../domain/attempt.testkit.ts';
import { resolve, type Seen } from './resolve-attempts.testkit.ts';

const LATE_MS = 400_000;
const lost = attempt('aaaa', { missingSince: CLAIMED_AT + 300_000 });
const poll = (seen: Seen, atMs = LATE_MS) => resolve([lost], [], atMs, seen);
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

  it('is as it should be where that run is older than what it shows', async () => {
    const seen = { named: { '9': -60_001 }, read: { '9': run('9') } };
    expect(await poll(seen)).toEqual([...looked, 'aaaa absent']);
  });

  it('is as it should be where the second in which that run was made begins before what it shows (a job ended ambiguous)', async () => {
    const read = { '9': run('9') };
    expect(await poll({ named: { '9': -59_001 }, read })).toEqual([...looked, 'aaaa absent']);
    expect(await poll({ named: { '9': -59_000 }, read })).toContain('read 9');
  });

  it('is as it should be where the stamp of that run may be before what it shows', async () => {
    const seen = { uncertaintyMs: 90_000, createdSince: CLAIMED_AT - 160_000 };
    const read = { '9': run('9') };
    const atMs = LATE_MS + 180_000;
    const told = await poll({ ...seen, named: { '9': -70_001 }, read }, atMs);
    expect(told).not.toContain('read 9');
    expect(await poll({ ...seen, named: { '9': -59_000 }, read }, atMs)).toContain('read 9');
  });

  it('says nothing of a run that cannot be read now', async () => {
    const seen: Seen = { named: { '9': 60_000 }, read: { '9': 'unavailable' } };
    await expect(poll(seen)).rejects.toThrow();
  });
});

it('a plain listing that shows the runs which replies have named is believed, without a request', async () => {
  const shown = [run('9', { path: '.github/workflows/other.yml' })];
  const told = await poll({ plain: shown, named: { '9': 60_000 } });
  expect(told).toEqual([...looked, 'aaaa absent']);
});
