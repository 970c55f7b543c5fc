import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT, run } from '../../domain/attempt.testkit.ts';
import type { Attempt, Run } from '../../domain/attempt.ts';
import { namedAt } from '../../domain/correlation/clusters.ts';
import { resolve, type Seen } from './resolve-attempts.testkit.ts';

it('gives an attempt without an answer the one run nobody owns', async () => {
  expect(await resolve([attempt('a')], [run('7')], 10_000)).toEqual(['a has 7 by order']);
});

it('leaves runs that belong to an attempt alone (defect #3)', async () => {
  const owner = attempt('owner', { state: 'accepted', runId: '7' });
  expect(await resolve([attempt('a'), owner], [run('7')], 400_000)).toEqual(['a missing']);
});

it('adopts no run of another ref or workflow (defect #3)', async () => {
  const foreign = [run('7', { branch: 'next' }), run('8', { path: '.github/workflows/x.yml' })];
  expect(await resolve([attempt('a')], foreign, 400_000)).toEqual(['a missing']);
});

describe('a run of another workflow or branch that bears the id of an attempt', () => {
  const [id, nextId] = ['1', '2'].map((end) => `019a0000-0000-7000-8000-00000000000${end}`);
  const byId = { correlationInput: 'dispatch-id', isNamed: true };
  const sent = attempt(id ?? '', { ...byId, missingSince: CLAIMED_AT + 300_000 });
  const elsewhere = { path: '.github/workflows/Deploy.yml', workflowId: '8', branch: 'x' };
  const named = run('7', { ...elsewhere, name: `Deploy ${id}` });

  it('is taken, once it is in both listings and nothing else is, for that of a renamed one', async () => {
    const listed = [`${id} missing`, 'listed plainly'];
    const taken = [...listed, `${id} has 7 by input`];
    expect(await resolve([sent], [named], 400_000)).toEqual(taken);
    expect(await resolve([sent], [named], 400_000, { plain: null })).toEqual(listed);
    expect(await resolve([{ ...sent, missingSince: null }], [named], 10_000)).toEqual([]);
  });

  it('is named, and not taken, beside a run of its own key that bears none, whose naming it does not hide', async () => {
    const accepted = { ...sent, state: 'accepted' } as const;
    const nameless = run('6', { status: 'completed' });
    const [, , told, ...more] = await resolve([accepted], [nameless, named], 400_000);
    expect(told).toContain('ambiguous: outcome-ambiguous');
    expect(told).toContain('one of the runs 6, 7 may be');
    expect(more).toEqual(['6 shows that ids get lost']);
  });

  it('goes to the attempt of the other key whose newer id it bears, and forbids to send the first again', async () => {
    const next = attempt(nextId ?? '', { ...byId, workflowId: 'Deploy.yml', ref: 'x' });
    const both = { ...named, name: `Deploy ${id} ${nextId}` };
    const [, taken, listed, told] = await resolve([sent, next], [both], 400_000);
    expect([taken, listed]).toEqual([`${nextId} has 7 by input`, 'listed plainly']);
    expect(told).toContain(`${id} ambiguous`);
    const owner = { ...next, state: 'found', runId: '7', matchedBy: 'input' } as const;
    const [, , ambiguous] = await resolve([sent, owner], [both], 400_000);
    expect(ambiguous).toContain('run 7 may be');
  });

  it('is not taken by an attempt that has ended: it would be cancelled', async () => {
    for (const state of ['ambiguous', 'absent', 'accepted'] as const) {
      const ended = { ...sent, state, endedAt: CLAIMED_AT + 350_000 };
      expect(await resolve([ended], [named], 400_000)).toEqual([]);
    }
  });
});

it('adopts nothing while another attempt of the key is being sent', async () => {
  const sending = attempt('b', { state: 'claimed' });
  expect(await resolve([attempt('a'), sending], [run('7')], 1_000)).toEqual([]);
});

it('compares with the forge’s clock as it stood at the claim, whatever clock was stepped since', async () => {
  const claimed = attempt('a', {
    forgeClaimedAt: CLAIMED_AT + 600_000,
    forgeSendDeadline: CLAIMED_AT + 605_000,
  });
  const made = run('7', { createdAt: CLAIMED_AT + 600_000 });
  expect(await resolve([claimed], [made], 10_000, { offsetMs: 600_000 })).toEqual([
    'a has 7 by order',
  ]);
  expect(await resolve([claimed], [made], 900_000)).toEqual(['a has 7 by order']);
});

it('adopts nothing that may be the run of one that was claimed while the listing was on its way', async () => {
  const absent = attempt('b', { state: 'absent', endedAt: CLAIMED_AT + 60_000 });
  for (const state of ['claimed', 'unknown', 'accepted'] as const) {
    const claimed = attempt('c', { state, claimedAt: CLAIMED_AT + 1_500 });
    expect(await resolve([attempt('a'), claimed, absent], [run('7')], 1_200)).toEqual([]);
  }
});

it('calls an attempt absent only late, after a second listing', async () => {
  const seen = attempt('a', { missingSince: CLAIMED_AT + 300_000 });
  expect(await resolve([seen], [], 330_000)).toEqual(['a missing']);
  expect(await resolve([seen], [], 400_000)).toEqual(['a missing', 'listed plainly', 'a absent']);
});

it('calls nothing absent that a plain listing shows, though a search has shown nothing for hours', async () => {
  const seen = attempt('a', { missingSince: CLAIMED_AT + 300_000 });
  const found = ['a missing', 'listed plainly', 'a has 7 by order'];
  expect(await resolve([seen], [], 400_000, { plain: [run('7')] })).toEqual(found);
  const waits = ['a missing', 'listed plainly'];
  expect(await resolve([seen], [], 400_000, { plain: null })).toEqual(waits);
});

describe('a search that cannot show all its runs, long after the send', () => {
  const seen = attempt('a', { missingSince: CLAIMED_AT + 300_000 });
  const late = (over: Seen, one: Attempt = seen) =>
    resolve([one], [], 36 * 60_000, { isComplete: false, ...over });

  it('is no hindrance where a plain listing is whole', async () => {
    expect(await late({ plain: [run('7')] })).toEqual(['listed plainly', 'a has 7 by order']);
    expect(await late({}, attempt('a'))).toEqual(['listed plainly', 'a missing']);
    expect(await late({})).toEqual(['listed plainly', 'a absent']);
  });

  it('fails the job where a plain listing is not whole either, or alone is not', async () => {
    const ambiguous = expect.stringMatching(/^a ambiguous: /);
    expect(await late({ isPlainComplete: false })).toEqual(['listed plainly', ambiguous]);
    const told = await late({ isComplete: true, isPlainComplete: false });
    expect(told).toEqual(['a missing', 'listed plainly', ambiguous]);
  });
});

it('never sends again what may have started a run that bears no id, and names that run', async () => {
  const sent = {
    correlationInput: 'dispatch-id',
    isNamed: true,
    missingSince: CLAIMED_AT + 300_000,
  };
  const nameless = run('7', { url: 'https://forge/runs/7', status: 'in_progress' });
  const [, , told] = await resolve([attempt('a', sent)], [nameless], 400_000);
  expect(told).toMatch(
    /^a ambiguous: outcome-ambiguous: the answer to its dispatch was lost, and run 7 \(https:\/\/forge\/runs\/7\) may be/,
  );
  const known = { namedCommits: [namedAt('dispatch-id', nameless.headSha)] };
  const told2 = await resolve([attempt('a', sent)], [nameless], 400_000, known);
  expect(told2).toEqual(['a missing', 'listed plainly', 'a absent']);
});

describe('an attempt whose answer named no run, and of which no run bears the id', () => {
  const sent = attempt('a', {
    ...{ state: 'accepted', correlationInput: 'dispatch-id', isNamed: true },
    missingSince: CLAIMED_AT + 300_000,
  });
  const nameless = run('7', { status: 'completed' });
  const shows = '7 shows that ids get lost';

  it('says so, and that ids get lost, once a plain listing agrees', async () => {
    const [missing, listed, ended, ...more] = await resolve([sent], [nameless], 400_000);
    expect([missing, listed]).toEqual(['a missing', 'listed plainly']);
    expect(ended).toMatch(/the forge answered its dispatch without naming the run, and run 7 may/);
    expect(ended).not.toContain('lost');
    expect(more).toEqual([shows]);
    expect(await resolve([sent], [nameless], 400_000, { plain: null })).toHaveLength(2);
  });

  it('shows nothing of ids where its answer was lost, or its run may be one whose name is to come', async () => {
    const shown = async (one: Attempt, ...runs: Run[]) => resolve([one], runs, 400_000);
    expect(await shown({ ...sent, state: 'unknown' }, nameless)).not.toContain(shows);
    expect(await shown({ ...sent, isNamed: false }, nameless)).not.toContain(shows);
    expect(await shown(sent, nameless, run('8', { status: 'queued' }))).not.toContain(shows);
    expect(await shown(sent, nameless, run('8', { status: 'completed' }))).toContain(shows);
  });
});

it('concludes nothing from a listing that was asked for a younger one', async () => {
  const seen = attempt('a', { missingSince: CLAIMED_AT + 300_000 });
  const createdSince = CLAIMED_AT + 60_000;
  expect(await resolve([seen], [], 400_000, { createdSince })).toEqual([]);
});

it('takes a run that turns up for an absent attempt, so that it can be cancelled', async () => {
  const absent = attempt('a', { state: 'absent', endedAt: CLAIMED_AT + 400_000 });
  expect(await resolve([absent], [run('7')], 500_000)).toEqual(['a late 7']);
});

it('leaves an absent attempt that has its late run with that one', async () => {
  const absent = attempt('a', { state: 'absent', runId: '7' });
  const watched = attempt('b', { state: 'absent', endedAt: CLAIMED_AT + 400_000 });
  expect(await resolve([absent, watched], [run('7'), run('8')], 500_000)).toEqual(['b late 8']);
});

it('leaves attempts of other repositories alone', async () => {
  expect(await resolve([attempt('a', { repo: 'lib' })], [run('7')], 10_000)).toEqual([]);
});

describe('a run that turns up late', () => {
  const givenUp = attempt('aaaa', { state: 'accepted', endedAt: CLAIMED_AT + 340_000 });
  const next = attempt('bbbb', { claimedAt: CLAIMED_AT + 30_000 });

  it('goes to the attempt whose name it bears, not to the one that still looks for its own', async () => {
    const named = run('7', { name: 'Build aaaa', createdAt: CLAIMED_AT + 2_000 });
    expect(await resolve([givenUp, next], [named], 345_000)).toEqual([
      'bbbb missing',
      'aaaa late 7',
    ]);
  });

  it('is not taken when it bears the name of one that has a run', async () => {
    const taken = { ...next, state: 'found', runId: '7', matchedBy: 'input' } as const;
    const named = run('8', { name: 'Build bbbb', createdAt: CLAIMED_AT + 31_000 });
    expect(await resolve([givenUp, taken], [named], 350_000)).toEqual([]);
  });

  it('is not taken when it may belong to one that was given a run by its time', async () => {
    const guessed = { ...next, state: 'found', runId: '7', matchedBy: 'order' } as const;
    const made = run('8', { createdAt: CLAIMED_AT + 31_000 });
    expect(await resolve([givenUp, guessed], [made], 350_000)).toEqual([]);
  });
});

it('takes the run of an account that was renamed, which nobody knew until it was asked', async () => {
  const runs = [run('7', { actor: 'ship-bot' })];
  const missing = attempt('a', { missingSince: CLAIMED_AT + 340_000 });
  expect(await resolve([missing], runs, 400_000, { renamedTo: 'ship-bot' })).toEqual([
    'a missing',
    'listed plainly',
    'a has 7 by order',
  ]);
  expect(await resolve([missing], runs, 400_000)).toEqual([
    'a missing',
    'listed plainly',
    'a absent',
  ]);
});

it('takes none of another account whose token was put in since, nor of one that an unknown account is not', async () => {
  const runs = [run('7', { actor: 'alice' })];
  const replaced = attempt('a', { budgetId: 'token/0' });
  const asAlice = { renamedTo: 'alice', isRenamedBefore: true };
  expect(await resolve([replaced], runs, 10_000, asAlice)).toEqual([]);
  expect(await resolve([attempt('a')], runs, 10_000, asAlice)).toEqual(['a has 7 by order']);
  // Claimed before its login was known.
  expect(await resolve([attempt('a', { actor: '' })], runs, 10_000)).toEqual([]);
  const ended = { state: 'absent', endedAt: CLAIMED_AT + 350_000 } as const;
  expect(await resolve([{ ...replaced, ...ended }], runs, 400_000, asAlice)).toEqual([]);
});

it('leaves to nobody what may be the own run of one that was given another by its time', async () => {
  const byTime = { matchedBy: 'order', runCreatedAt: CLAIMED_AT + 1_000 } as const;
  const a = attempt('a', { inputsHash: 'x', state: 'accepted', runId: '6', ...byTime });
  const b = attempt('b', { inputsHash: 'y', claimedAt: CLAIMED_AT + 1_500 });
  const runs = [
    run('6', { createdAt: CLAIMED_AT + 1_000 }),
    run('7', { createdAt: CLAIMED_AT + 2_000 }),
  ];
  expect(await resolve([a, b], runs, 10_000)).toEqual([]);
});

it('takes no run that bears the id of an attempt that has ended: it is somebody’s copy', async () => {
  const endedId = '019a0000-0000-7000-8000-000000000001';
  const copy = run('9', { name: `Build ${endedId}` });
  const given = attempt('one', { state: 'absent', endedAt: CLAIMED_AT + 350_000 });
  expect(await resolve([given], [copy], 400_000)).toEqual(['one late 9']);
  expect(await resolve([given], [copy], 400_000, { endedIds: [endedId] })).toEqual([]);
  expect(await resolve([attempt('two')], [copy], 400_000, { endedIds: [endedId] })).toEqual([
    'two missing',
  ]);
});

it('takes no late run by its time once a clock was put back: it may have been made later', async () => {
  const given = attempt('a', { state: 'absent', endedAt: CLAIMED_AT + 350_000 });
  const made = run('9', { createdAt: CLAIMED_AT + 10_000 });
  expect(await resolve([given], [made], 3_600_000)).toEqual(['a late 9']);
  expect(await resolve([given], [made], 3_600_000, { offsetMs: -3_600_000 })).toEqual([]);
});

it('names a few of the runs that may be its own, however many there are', async () => {
  const many = Array.from({ length: 2_000 }, (_, i) => run(String(i + 1)));
  const seen = attempt('a', { missingSince: CLAIMED_AT + 300_000 });
  const [, , told = ''] = await resolve([seen], many, 400_000);
  expect(told).toContain('one of the runs 1, 2, 3, 4, 5 and 1995 more may be');
});

it.each([
  ['goes on', null],
  ['is over', CLAIMED_AT + 4_000],
] as const)(
  'where no answer names a run, that of a job which was given another’s that %s does not go to one with other inputs',
  async (_, endedAt) => {
    const given = {
      state: 'accepted',
      matchedBy: 'order',
      runId: '1',
      inputsHash: 'x',
      endedAt,
    } as const;
    const lost = attempt('b', { claimedAt: CLAIMED_AT + 1_500, inputsHash: 'y' });
    const itsRun = run('2', { createdAt: CLAIMED_AT + 2_000 });
    expect(await resolve([attempt('a', given), lost], [itsRun], 10_000)).toEqual([]);
  },
);
