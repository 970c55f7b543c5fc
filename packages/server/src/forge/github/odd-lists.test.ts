import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { makeLogger } from '../../lib/logger.ts';
import { failureOf, forever } from '../contract/world.testkit.ts';
import type { RunFilter } from '../forge.ts';
import { rawReply, startRawServer } from './raw-server.testkit.ts';
import { makeTestForge } from './start.testkit.ts';

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

type PageOf = (page: number, reading: number) => string;

/** A forge that has one list only; a reading begins with page 1. */
async function start(pageOf: PageOf) {
  let requests = 0;
  let readings = 0;
  let log = '';
  const server = await startRawServer(({ request, socket }) => {
    const page = Number(/[?&]page=(\d+)/.exec(request)?.[1]);
    requests += 1;
    if (page === 1) readings += 1;
    socket.write(rawReply(200, pageOf(page, readings), { etag: '"e"' }));
  });
  const clock = new FakeClock();
  const logger = makeLogger('warn', { write: (line) => void (log += line) });
  const forge = makeTestForge({ baseUrl: `${server.url}/api/v3`, clock, logger });
  releases.push(
    () => server.close(),
    () => forge.close(),
  );
  return {
    runners: (etags: readonly string[] = []) => forge.listRunners('org:acme', etags, forever),
    runs: (filter: RunFilter = { createdSince: 0 }) =>
      forge.listRuns('acme', 'app', filter, forever),
    jobs: () => forge.listRunJobs('acme', 'app', '7', forever),
    requests: () => requests,
    told: (what = 'left out') => log.split('\n').filter((line) => line.includes(what)),
  };
}

const MADE_AT = '2026-01-01T12:00:00Z';
const rawRunner = (id: number, change: object = {}) => ({
  ...{ id, name: `r${String(id)}`, status: 'online', busy: false, labels: [{ name: 'linux' }] },
  ...change,
});
const rawRun = (id: number, change: object = {}) => ({
  ...{ id, workflow_id: 1, event: 'workflow_dispatch', created_at: MADE_AT, updated_at: MADE_AT },
  ...change,
});
const rawJob = (id: number, change: object = {}) => ({
  ...{ id, run_id: 7, name: 'build', status: 'queued', labels: ['linux'] },
  ...change,
});
const page = (key: string, entries: readonly unknown[], total = entries.length): string =>
  JSON.stringify({ total_count: total, [key]: entries });
const pageOfIds = (from: number, to: number, total: number): string =>
  page(
    'runners',
    Array.from({ length: Math.max(0, to - from) }, (_, index) => rawRunner(from + index + 1)),
    total,
  );

describe('one odd runner among others', () => {
  it.each([
    ['no busy', { busy: null }, 'busy: '],
    ['no labels', { labels: null }, 'labels: '],
    ['no status', { status: null }, 'status: '],
    ['a label without a name', { labels: [{ id: 1 }] }, 'labels.0.name: '],
    ['a label that is a text', { labels: ['linux'] }, 'labels.0: '],
    ['an id that is a text', { id: 'secret' }, 'id: '],
    ['a name beyond any index', { name: 'x'.repeat(3_000) }, 'name: '],
    ['labels beyond any index', { labels: [{ name: 'x'.repeat(3_000) }] }, 'labels: '],
  ])('(%s) is left out and told once; the rest lives', async (_what, change, problem) => {
    const list = page('runners', [rawRunner(1), rawRunner(2, change), rawRunner(3)]);
    const forge = await start(() => list);
    const listing = await forge.runners();
    expect(listing.runners.map(({ name }) => name)).toEqual(['r1', 'r3']);
    expect(listing).toMatchObject({ isComplete: true, mismatch: '', etags: ['"e"'] });
    await forge.runners();
    expect(forge.told()).toHaveLength(1);
    expect(forge.told()[0]).toContain(`"problem":"${problem}`);
    expect(forge.told()[0]).not.toContain('secret');
  });

  it('that is no object at all is left out too', async () => {
    const forge = await start(() => page('runners', [null, 'x', 7, [], rawRunner(1)]));
    const { runners } = await forge.runners();
    expect(runners.map(({ name }) => name)).toEqual(['r1']);
  });

  it('is told anew when another field of it, or another one, is odd', async () => {
    const forge = await start((_page, reading) =>
      page('runners', [
        rawRunner(1),
        rawRunner(2, reading === 1 ? { busy: null } : { status: null }),
        rawRunner(3, reading === 3 ? { busy: null } : {}),
      ]),
    );
    for (let pass = 1; pass <= 3; pass += 1) await forge.runners();
    expect(forge.told()).toHaveLength(3);
  });
});

describe('an odd run', () => {
  const list = page('workflow_runs', [rawRun(1), rawRun(2, { created_at: null }), rawRun(3)]);

  it('is left out and told once; what the others show is known', async () => {
    const forge = await start(() => list);
    const { runs } = await forge.runs();
    expect(runs.map(({ id }) => id).sort()).toEqual(['1', '3']);
    await forge.runs();
    expect(forge.told()).toHaveLength(1);
    expect(forge.told()[0]).toContain('"id":"2"');
  });

  it.each([
    '1970-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '2999-01-01T00:00:00Z',
    '+010000-01-01T00:00:00Z',
  ])(
    'is one stamped %s: taken as true, it was made by nobody’s dispatch, and the job ran twice',
    async (created_at) => {
      const stamped = page('workflow_runs', [rawRun(1), rawRun(2, { created_at }), rawRun(3)]);
      const forge = await start(() => stamped);
      const { runs, isComplete } = await forge.runs();
      expect(runs.map(({ id }) => id).sort()).toEqual(['1', '3']);
      expect(isComplete).toBe(false);
    },
  );

  it('may be the one that is looked for: nothing is concluded from what such a listing does not show', async () => {
    const forge = await start(() => list);
    expect((await forge.runs()).isComplete).toBe(false);
    // Also where the pages add up without it, and where every reading shows the same.
    const short = await start(() => page('workflow_runs', [rawRun(1), null], 1));
    expect((await short.runs()).isComplete).toBe(false);
  });
});

describe('an odd run is none of those asked for', () => {
  const SINCE = Date.parse(MADE_AT) - 60_000;
  const old = { created_at: '2025-11-01T12:00:00Z' };
  const listed = async (odd: unknown, others: readonly unknown[], isPlain: boolean) => {
    const forge = await start((number) =>
      page('workflow_runs', number === 1 ? [odd, ...others] : []),
    );
    const { isComplete } = await forge.runs({ createdSince: SINCE, isPlain });
    return isComplete;
  };

  it.each([
    ['was made before', rawRun(2, { ...old, updated_at: null }), []],
    ['was started by something else', rawRun(2, { event: 'push', created_at: null }), []],
    ['has a lower id than one made before', rawRun(2, { created_at: null }), [rawRun(3, old)]],
  ])('that %s', async (_how, odd, others) => {
    expect(await listed(odd, [rawRun(4), ...others], false)).toBe(true);
    expect(await listed(odd, [rawRun(4), ...others], true)).toBe(true);
  });

  it.each([
    ['was made in the time asked for', rawRun(2, { updated_at: null }), []],
    ['has a higher id than one made before', rawRun(3, { created_at: null }), [rawRun(2, old)]],
    [
      'tells neither when it was made nor its id',
      rawRun(0, { created_at: null }),
      [rawRun(3, old)],
    ],
    ['does not tell its event', rawRun(2, { event: null }), []],
    ['is no object', 'secret', [rawRun(3, old)]],
  ])('but not one that %s', async (_how, odd, others) => {
    expect(await listed(odd, [rawRun(4), ...others], false)).toBe(false);
    expect(await listed(odd, [rawRun(4), ...others], true)).toBe(false);
  });
});

describe('a plain listing', () => {
  const SINCE = Date.parse(MADE_AT) - 60_000;
  const old = { created_at: '2025-11-01T12:00:00Z' };
  const newer = Array.from({ length: 99 }, (_, index) => rawRun(1_000 + index));

  it.each([
    ['first', [rawRun(5, old), ...newer]],
    ['last', [...newer, rawRun(5, old)]],
  ])(
    'with one old run among newer ones (%s of its page) goes on to the next page',
    async (_place, first) => {
      const pages = [first, [rawRun(900), rawRun(800, old)], [rawRun(700, old)], [rawRun(600)]];
      const forge = await start((number) => page('workflow_runs', pages[number - 1] ?? []));
      const listing = await forge.runs({ createdSince: SINCE, isPlain: true });
      expect(listing.isComplete).toBe(true);
      expect(listing.runs.map(({ id }) => id)).toContain('900');
      expect(listing.runs).toHaveLength(100);
      expect(forge.requests()).toBe(3);
    },
  );
});

describe('an odd workflow job', () => {
  it('is left out; the others are known by one reading', async () => {
    const forge = await start(() => page('jobs', [rawJob(1), rawJob(2, { status: null })]));
    const { jobs } = await forge.jobs();
    expect(jobs.map(({ id }) => id)).toEqual(['1']);
    expect(forge.requests()).toBe(1);
    expect(forge.told()).toHaveLength(1);
  });

  it('that is odd only in its labels still tells which runner has taken it', async () => {
    const forge = await start(() => page('jobs', [rawJob(1, { labels: null, runner_id: 5 })]));
    expect((await forge.jobs()).jobs).toMatchObject([{ runnerId: '5', labels: [] }]);
  });
});

describe('a count that is wrong', () => {
  it.each([100_000, 1_000_000_000, 1e300])(
    '(%d where two runners are) costs a few requests, not thousands',
    async (total) => {
      const forge = await start((number) =>
        number === 1 ? pageOfIds(1, 3, total) : pageOfIds(0, 0, total),
      );
      const listing = await forge.runners();
      expect(listing.runners).toHaveLength(2);
      expect(listing.isComplete).toBe(false);
      expect(listing.mismatch).toMatch(/counts .* and shows 2, page 2 being empty, twice the same/);
      expect(forge.requests()).toBe(4);
    },
  );

  it('(100,000 where 150 runners are) costs no more than are read side by side', async () => {
    const forge = await start((number) =>
      pageOfIds((number - 1) * 100, Math.min(150, number * 100), 100_000),
    );
    expect((await forge.runners()).runners).toHaveLength(150);
    expect(forge.requests()).toBeLessThanOrEqual(2 * 18);
  });

  it('(100,000 where one run is) costs a few requests, and two equal readings settle it', async () => {
    const forge = await start((number) =>
      page('workflow_runs', number === 1 ? [rawRun(1)] : [], 100_000),
    );
    const listing = await forge.runs();
    expect(listing).toMatchObject({ isComplete: true, runs: [{ id: '1' }] });
    expect(forge.requests()).toBe(6);
  });

  it('(100,000 where one workflow job is) costs a few requests', async () => {
    const forge = await start((number) => page('jobs', number === 1 ? [rawJob(1)] : [], 100_000));
    expect((await forge.jobs()).jobs).toHaveLength(1);
    expect(forge.requests()).toBe(4);
  });

  it('(runs of which each search shows new ones, without an end) is given up', async () => {
    let id = 0;
    const forge = await start(() => {
      const runs = Array.from({ length: 100 }, () => {
        id += 1;
        const at = new Date(Date.parse(MADE_AT) - id * 1_000).toISOString();
        return rawRun(id, { created_at: at, updated_at: at });
      });
      return page('workflow_runs', runs, 1_000_000);
    });
    expect((await forge.runs()).isComplete).toBe(false);
    expect(forge.requests()).toBeLessThanOrEqual(250);
  });
});

describe.each([['null'], ['missing'], ['a text']])('a list whose count is %s', (what) => {
  const uncounted = (key: string, entries: readonly unknown[]): string => {
    const counts = { null: null, 'a text': '3' }[what];
    return JSON.stringify({ total_count: counts, [key]: entries });
  };
  const runnersOn = (number: number, all: number): string =>
    uncounted(
      'runners',
      JSON.parse(pageOfIds((number - 1) * 100, Math.min(all, number * 100), 0)).runners,
    );
  const runsOn = (number: number, all: number): string =>
    uncounted(
      'workflow_runs',
      Array.from({ length: Math.max(0, Math.min(100, all - (number - 1) * 100)) }, (_, index) => {
        const id = all - (number - 1) * 100 - index;
        const at = new Date(Date.parse(MADE_AT) + id * 1_000).toISOString();
        return rawRun(id, { created_at: at, updated_at: at });
      }),
    );

  it('of runners, short, is one page as always, told once', async () => {
    const forge = await start((number) => runnersOn(number, 3));
    const listing = await forge.runners();
    expect(listing).toMatchObject({ isComplete: true, mismatch: '', etags: ['"e"'] });
    expect(listing.runners).toHaveLength(3);
    await forge.runners();
    expect(forge.requests()).toBe(2);
    expect(forge.told('without a count')).toHaveLength(1);
  });

  it('of runners, longer, is read to its end, and nobody is gone by one of its passes', async () => {
    const forge = await start((number) => runnersOn(number, 250));
    const listing = await forge.runners();
    expect(listing.runners).toHaveLength(250);
    expect(listing).toMatchObject({ isComplete: false, etags: [] });
    expect(listing.mismatch).toContain('does not count them and shows 250');
    expect(forge.requests()).toBe(6);
  });

  it('of runners, empty, shows that there is none by no single pass', async () => {
    const forge = await start((number) => runnersOn(number, 0));
    expect(await forge.runners()).toMatchObject({ isComplete: false, runners: [] });
  });

  it('of runners, without an end, is read up to the budget of a pass', async () => {
    const forge = await start((number) => runnersOn(number, 1_000_000));
    expect(await forge.runners()).toMatchObject({ isComplete: false });
    expect(forge.requests()).toBe(250);
  });

  it.each([
    [0, 2],
    [3, 2],
    [250, 6],
  ])(
    'of %d runs is read to its end, and believed when two readings are the same',
    async (all, requests) => {
      const forge = await start((number) => runsOn(number, all));
      const listing = await forge.runs();
      expect(listing.runs).toHaveLength(all);
      expect(listing.isComplete).toBe(true);
      expect(forge.requests()).toBe(requests);
      const plain = await forge.runs({ createdSince: 0, isPlain: true });
      expect(plain.runs).toHaveLength(all);
      expect(plain.isComplete).toBe(true);
    },
  );

  it('of runs that goes on beyond what one search shows is no end of it', async () => {
    const forge = await start((number) => runsOn(number, 5_000));
    // A forge that shows the same whatever is asked for: only its first thousand are seen.
    const listing = await forge.runs();
    expect(listing.runs).toHaveLength(1_000);
    expect(listing.isComplete).toBe(false);
  });

  it('of workflow jobs tells which runner has taken them', async () => {
    const forge = await start(() => uncounted('jobs', [rawJob(1, { runner_id: 5 })]));
    expect((await forge.jobs()).jobs).toMatchObject([{ runnerId: '5' }]);
    expect(forge.requests()).toBe(1);
  });
});

describe('a list without an end', () => {
  it('of runners is read up to the budget of a pass', async () => {
    const forge = await start((number) =>
      pageOfIds((number - 1) * 100, number * 100, 1_000_000_000),
    );
    const listing = await forge.runners();
    expect(listing.isComplete).toBe(false);
    expect(listing.runners).toHaveLength(25_000);
    expect(forge.requests()).toBe(250);
  });

  it('in one page of more than was asked for is no page', async () => {
    const forge = await start(() => pageOfIds(0, 101, 101));
    expect(await failureOf(forge.runners())).toMatchObject({ code: 'bad-reply', acted: 'no' });
  });

  it('in one page of more than 8 MB is not read to its end', async () => {
    const forge = await start(() =>
      page('runners', [rawRunner(1, { os: 'x'.repeat(8 * 1_024 * 1_024) })]),
    );
    const error = await failureOf(forge.runners());
    expect(error).toMatchObject({ code: 'unavailable', acted: 'no' });
    expect(error.message).toContain('too long');
  });
});

describe('runners whose pages shift while they are read', () => {
  it('are all that any page of two readings has shown', async () => {
    // 150 runners; each reading misses one at the end of its first page.
    const forge = await start((number, reading) => {
      const [from, to] = number === 1 ? [0, 100] : [100 + reading, 150];
      return pageOfIds(from, to, 150);
    });
    const listing = await forge.runners();
    expect(listing.runners).toHaveLength(149);
    expect(listing).toMatchObject({ isComplete: false, etags: [] });
    expect(listing.mismatch).toBe('the forge counts 150 and shows 148');
  });
});
