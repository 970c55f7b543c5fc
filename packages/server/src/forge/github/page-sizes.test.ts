import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { makeLogger } from '../../lib/logger.ts';
import { failureOf, forever } from '../contract/world.testkit.ts';
import type { GithubForge } from './github-forge.ts';
import { rawReply, startRawServer, zippedReply } from './raw-server.testkit.ts';
import { makeTestForge } from './start.testkit.ts';

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

const HOUR_MS = 60 * 60_000;
const MADE_AT = '2026-01-01T12:00:00Z';
const OLD = '2025-11-01T12:00:00Z';
const SINCE = Date.parse(MADE_AT) - 60_000;

const entry = (id: number, change: object = {}) => ({
  ...{ id, workflow_id: 1, event: 'workflow_dispatch', created_at: MADE_AT, updated_at: MADE_AT },
  ...{ run_id: 7, name: 'build', status: 'queued', labels: ['linux'] },
  ...change,
});
const asRunner = (one: object) => ({
  ...one,
  os: 'linux',
  status: 'online',
  busy: false,
  labels: [],
});
/** The newest first. */
const entriesOf = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => entry(count - index));

interface Asked {
  /** What the forge calls the entries. */
  readonly key: string;
  readonly size: number;
  readonly page: number;
}

/** The page that was asked for, of one list that is all the forge has: of runs as of workflow jobs and runners. */
const pageOf = (all: readonly object[], asked: Asked, total: unknown = all.length): string => {
  const { key, size, page } = asked;
  const part = all.slice((page - 1) * size, page * size);
  const shown = key === 'runners' ? part.map(asRunner) : part;
  return rawReply(200, JSON.stringify({ total_count: total, [key]: shown }));
};

function keyOf(request: string): string {
  if (request.includes('/runners?')) return 'runners';
  return request.includes('/jobs?') ? 'jobs' : 'workflow_runs';
}

/** @param replyTo `''`: no answer at all */
async function start(replyTo: (asked: Asked) => string | Buffer) {
  const asked: Asked[] = [];
  let log = '';
  const server = await startRawServer(({ request, socket }) => {
    const size = Number(/[?&]per_page=(\d+)/.exec(request)?.[1]);
    const page = Number(/[?&]page=(\d+)/.exec(request)?.[1]);
    const one = { key: keyOf(request), size, page };
    asked.push(one);
    socket.write(replyTo(one));
  });
  const clock = new FakeClock();
  const logger = makeLogger('warn', { write: (line) => void (log += line) });
  const forge = makeTestForge({ baseUrl: `${server.url}/api/v3`, clock, logger });
  releases.push(
    () => server.close(),
    () => forge.close(),
  );
  return {
    forge,
    server,
    clock,
    asked: () => asked.splice(0),
    /** Sizes of the pages asked for since the last call, each once where it follows itself. */
    sizes: () =>
      asked
        .splice(0)
        .map(({ size }) => size)
        .filter((size, index, all) => size !== all[index - 1]),
    told: () => log.split('\n').filter((line) => line.includes('in smaller pages')),
  };
}

type List = (forge: GithubForge, signal?: AbortSignal) => Promise<readonly { id: string }[]>;

const runs = (forge: GithubForge, isPlain: boolean, signal = forever) =>
  forge.listRuns('acme', 'app', { createdSince: SINCE, isPlain }, signal);

/** @returns the ids of a complete listing only */
const lists: Readonly<Record<string, List>> = {
  runs: async (forge, signal) => {
    const listing = await runs(forge, false, signal);
    return listing.isComplete ? listing.runs : [];
  },
  'runs, plainly': async (forge, signal) => {
    const listing = await runs(forge, true, signal);
    return listing.isComplete ? listing.runs : [];
  },
  'workflow jobs': async (forge, signal = forever) =>
    (await forge.listRunJobs('acme', 'app', '7', signal)).jobs,
  runners: async (forge, signal = forever) => {
    const { isComplete, runners } = await forge.listRunners('org:acme', [], signal);
    return isComplete ? runners.map(({ forgeRunnerId: id }) => ({ id })) : [];
  },
};

describe.each(Object.entries(lists))('a list of %s', (_name, list) => {
  it.each([500, 502, 503, 504])(
    'whose page of 100 is always a %d is read in smaller ones',
    async (status) => {
      const all = entriesOf(130);
      const { forge, sizes } = await start((asked) =>
        asked.size === 100 ? rawReply(status, '') : pageOf(all, asked),
      );
      expect(await list(forge)).toHaveLength(130);
      expect(sizes()).toEqual([100, 30]);
    },
  );

  it('whose page of 100 is not answered in time is read in smaller ones', async () => {
    const { forge, sizes, server, clock } = await start((asked) =>
      asked.size === 100 ? '' : pageOf(entriesOf(3), asked),
    );
    const listing = list(forge);
    await server.requests(1);
    await clock.advance(30_000);
    expect(await listing).toHaveLength(3);
    expect(sizes()).toEqual([100, 30]);
  });

  it('whose second page fails is begun anew, page numbers being others in smaller pages', async () => {
    const all = entriesOf(130);
    const { forge, asked } = await start((one) =>
      one.size === 100 && one.page === 2 ? rawReply(502, '') : pageOf(all, one),
    );
    const ids = (await list(forge)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(130);
    const smaller = asked().filter(({ size }) => size === 30);
    expect(smaller.slice(0, 5).map(({ page }) => page)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is asked for in the size that worked, once that was seen twice, and after an hour in 100', async () => {
    const { forge, clock, sizes, told } = await start((asked) =>
      asked.size === 100 ? rawReply(502, '') : pageOf(entriesOf(3), asked),
    );
    for (let times = 1; times <= 2; times += 1) {
      await list(forge);
      expect(sizes()).toEqual([100, 30]);
    }
    expect(told()).toHaveLength(1);
    await list(forge);
    expect(sizes()).toEqual([30]);
    await clock.advance(HOUR_MS);
    await list(forge);
    expect(sizes()).toEqual([100, 30]);
    await list(forge);
    expect(sizes()).toEqual([30]);
  });

  it('that failed once is asked for in pages of 100 as before', async () => {
    let isDown = true;
    const { forge, sizes, told } = await start((asked) => {
      const reply = isDown ? rawReply(502, '') : pageOf(entriesOf(3), asked);
      isDown = false;
      return reply;
    });
    for (const expected of [[100, 30], [100]]) {
      await list(forge);
      expect(sizes()).toEqual(expected);
    }
    isDown = true;
    await list(forge);
    await list(forge);
    expect(sizes()).toEqual([100, 30, 100]);
    expect(told()).toEqual([]);
  });

  it('that can be read in pages of 100 again is no other than one that always could', async () => {
    let isDown = true;
    const { forge, clock, sizes } = await start((asked) =>
      isDown && asked.size === 100 ? rawReply(502, '') : pageOf(entriesOf(3), asked),
    );
    const listIn = async (expected: number[]) => {
      await list(forge);
      expect(sizes()).toEqual(expected);
    };
    for (const expected of [[100, 30], [100, 30], [30]]) await listIn(expected);
    await clock.advance(HOUR_MS);
    isDown = false;
    await listIn([100]);
    isDown = true;
    await listIn([100, 30]);
    isDown = false;
    await listIn([100]);
  });

  it('costs one more request in an outage, which leaves nothing behind', async () => {
    let isDown = true;
    const { forge, asked, sizes } = await start((one) =>
      isDown ? rawReply(one.size === 100 ? 500 : 502, '') : pageOf(entriesOf(3), one),
    );
    for (const smaller of [30, 10, 3, 1, 30]) {
      expect(await failureOf(list(forge))).toMatchObject({ code: 'unavailable', status: 502 });
      expect(asked().map(({ size }) => size)).toEqual([100, smaller]);
    }
    isDown = false;
    await list(forge);
    expect(sizes()).toEqual([100]);
  });

  it.each([
    ['rate limited', 429],
    ['refused', 401],
    ['forbidden', 403],
    ['not found', 404],
    ['not implemented', 501],
  ])('that is %s (%d) is not asked for in smaller pages', async (_what, status) => {
    const { forge, sizes } = await start(() => rawReply(status, '{"message":"no"}'));
    await failureOf(list(forge));
    expect(sizes()).toEqual([100]);
  });

  it('that its caller gives up is not asked for in smaller pages', async () => {
    const { forge, server, sizes } = await start(() => '');
    const caller = new AbortController();
    const listing = failureOf(list(forge, caller.signal));
    await server.requests(1);
    caller.abort();
    expect(await listing).toMatchObject({ code: 'unavailable' });
    expect(sizes()).toEqual([100]);
  });
});

describe('a page longer than 8 MB', () => {
  const longRun = (id: number, bytes: number) =>
    entry(id, { event: 'push', head_commit: { message: 'x'.repeat(bytes) } });
  const longs = [5, 4, 3, 2, 1].map((id) => longRun(id, 1_900_000));
  it.each([
    ['as it is', (reply: string) => reply],
    ['zipped', (reply: string) => zippedReply(reply.slice(reply.indexOf('{')))],
  ])('(five runs of a long commit message, %s) is read in smaller ones', async (_how, packed) => {
    const { forge, sizes, told } = await start((asked) =>
      packed(pageOf([entry(6), ...longs], asked)),
    );
    const listing = await runs(forge, true);
    expect(listing).toMatchObject({ isComplete: true, runs: [{ id: '6' }] });
    expect(sizes()).toEqual([100, 30, 10, 3]);
    await runs(forge, true);
    expect(sizes()).toEqual([3]);
    expect(told()).toHaveLength(1);
  });

  it('with one run on it fails', async () => {
    const { forge, sizes } = await start((asked) => pageOf([longRun(1, 9_000_000)], asked));
    const error = await failureOf(runs(forge, true));
    expect(error).toMatchObject({ code: 'unavailable', acted: 'no' });
    expect(error.message).toContain('too long');
    expect(sizes()).toEqual([100, 30, 10, 3, 1]);
  });
});

/** Where only pages of `size` are answered: it has been found out. */
async function startIn(size: number, replyTo: (asked: Asked) => string) {
  const world = await start((asked) => (asked.size > size ? rawReply(502, '') : replyTo(asked)));
  for (const isPlain of [false, true]) {
    for (let times = 0; times < 6; times += 1) {
      await runs(world.forge, isPlain).catch(() => undefined);
    }
  }
  world.asked();
  return world;
}

describe('a plain listing in small pages', () => {
  const old = (id: number) => entry(id, { created_at: OLD });

  it.each([10, 3])('of %d does not end at old runs among newer ones', async (size) => {
    const all = [entry(200), ...Array.from({ length: 20 }, (_, n) => old(100 - n)), entry(50)];
    const { forge } = await startIn(size, (asked) => pageOf(all, asked));
    const listing = await runs(forge, true);
    expect(listing.isComplete).toBe(true);
    expect(listing.runs.map(({ id }) => id)).toEqual(['200', '50']);
  });

  it('ends at as many old runs in a row as a page of 100 has', async () => {
    const all = [entry(900), ...Array.from({ length: 400 }, (_, n) => old(800 - n))];
    const { forge, asked } = await startIn(10, (one) => pageOf(all, one));
    expect(await runs(forge, true)).toMatchObject({ isComplete: true, runs: [{ id: '900' }] });
    expect(asked()).toHaveLength(11);
  });

  it('is not complete where its fifty pages do not reach back to the time asked for', async () => {
    const all = entriesOf(200);
    const { forge, asked } = await startIn(3, (one) => pageOf(all, one));
    const listing = await runs(forge, true);
    expect(listing.runs).toHaveLength(150);
    expect(listing.isComplete).toBe(false);
    expect(asked()).toHaveLength(50);
  });
});

describe('a search in small pages', () => {
  it('is not complete where the pages of one pass do not show all', async () => {
    const { forge, asked } = await startIn(1, (one) => pageOf(entriesOf(300), one));
    const listing = await runs(forge, false);
    expect(listing.runs).toHaveLength(250);
    expect(listing.isComplete).toBe(false);
    expect(asked()).toHaveLength(250);
  });

  it('without a count does not end where GitHub shows no more of it, though that page is short', async () => {
    const { forge } = await startIn(30, (asked) => pageOf(entriesOf(1_000), asked, null));
    const listing = await runs(forge, false);
    expect(listing.runs).toHaveLength(1_000);
    expect(listing.isComplete).toBe(false);
  });

  it('that skips a hundred runs shows those behind them', async () => {
    const all = entriesOf(150);
    const { forge } = await startIn(10, (asked) =>
      asked.page >= 3 && asked.page <= 12 ? pageOf([], asked, 150) : pageOf(all, asked),
    );
    expect((await runs(forge, false)).runs).toHaveLength(50);
  });
});
