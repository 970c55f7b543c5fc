import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { dispatchOf, failureOf, forever } from '../contract/world.testkit.ts';
import type { GithubForge } from './github-forge.ts';
import { type RawServer, rawReply, startRawServer } from './raw-server.testkit.ts';
import { makeTestForge } from './start.testkit.ts';

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** Answers the n-th request with what `replyTo` makes of it. */
async function start(
  replyTo: (request: string, number: number) => string,
): Promise<{ forge: GithubForge; server: RawServer; clock: FakeClock }> {
  const server = await startRawServer(({ request, number, socket }) => {
    socket.write(replyTo(request, number));
  });
  const clock = new FakeClock();
  const forge = makeTestForge({ baseUrl: `${server.url}/api/v3`, clock });
  releases.push(
    () => server.close(),
    () => forge.close(),
  );
  return { forge, server, clock };
}

const details = '{"workflow_run_id":90071992547409931,"run_url":"a","html_url":"https://page/1"}';

function rawRun(id: number | string, createdAt: string): string {
  return `{"id":${String(id)},"workflow_id":1,"event":"workflow_dispatch","created_at":"${createdAt}","updated_at":"${createdAt}"}`;
}

describe('every request', () => {
  it('names the API version, ourselves and its token', async () => {
    const { forge, server } = await start(() => rawReply(200, details));
    await forge.dispatch(dispatchOf({ inputs: { attempt: 'a' } }), forever);
    const [request = ''] = server.received;
    const [head = '', body = ''] = request.split('\r\n\r\n');
    const lines = head.split('\r\n');
    expect(lines[0]).toBe(
      'POST /api/v3/repos/acme/app/actions/workflows/ci.yml/dispatches HTTP/1.1',
    );
    expect(lines).toContain('x-github-api-version: 2022-11-28');
    expect(lines).toContain('authorization: Bearer token-of-the-bot');
    expect(head).toMatch(/\r\nuser-agent: dispatchoor\/1\.2\.3 /);
    expect(JSON.parse(body)).toEqual({
      ref: 'main',
      inputs: { attempt: 'a' },
      return_run_details: true,
    });
  });
});

describe('an answer that repeats our token', () => {
  it('is quoted without it', async () => {
    const message = 'no route for Bearer token-of-the-bot at https://me:pw@proxy/?token=abc';
    const { forge } = await start(() => rawReply(422, JSON.stringify({ message })));
    const failure = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(failure.message).toContain('no route for Bearer *** at https://***@proxy/?token=***');
    await forge.ensureConnected(forever);
    expect(forge.credentialFor('dispatch').error).toContain('no route for Bearer ***');
  });

  it('where the quote is cut shows no half of it', async () => {
    const message = `${'x'.repeat(290)} token-of-the-bot`;
    const { forge } = await start(() => rawReply(422, JSON.stringify({ message })));
    const failure = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(failure.message).toContain('xx ***):');
  });
});

describe('an input called __proto__', () => {
  it('is sent like any other', async () => {
    const { forge, server } = await start(() => rawReply(200, details));
    const inputs = JSON.parse('{"__proto__":"x","y":"z"}') as Record<string, string>;
    await forge.dispatch(dispatchOf({ inputs }), forever);
    expect(server.received.join('')).toContain('"inputs":{"__proto__":"x","y":"z"}');
  });
});

describe('a name that is a step in a path', () => {
  it.each([{ owner: '..' }, { repo: '..' }, { workflowId: '.' }])(
    'makes no other request of it: %o is refused, unsent',
    async (names) => {
      const { forge, server } = await start(() => rawReply(200, details));
      const failure = await failureOf(forge.dispatch(dispatchOf(names), forever));
      expect(failure).toMatchObject({ code: 'invalid', acted: 'no' });
      expect(failure.message).toContain('no names');
      expect(server.received).toEqual([]);
    },
  );
});

describe('ids beyond 2^53', () => {
  it('survive in the answer to a dispatch, in a run and in the path of a request', async () => {
    const id = '90071992547409931';
    const { forge, server } = await start((request) =>
      rawReply(200, request.startsWith('POST') ? details : rawRun(id, '2026-01-01T12:00:00Z')),
    );
    expect((await forge.dispatch(dispatchOf(), forever)).runId).toBe(id);
    expect((await forge.getRun('acme', 'app', id, forever)).run.id).toBe(id);
    expect(server.received.join('')).toContain(`/actions/runs/${id} HTTP`);
  });
});

describe('a redirect', () => {
  const moved = '/api/v3/repositories/1/actions/workflows/ci.yml/dispatches';

  it('of a renamed repository is followed, and the deadline asked again', async () => {
    const { forge, server } = await start((_request, number) =>
      number === 1 ? rawReply(307, '{}', { location: moved }) : rawReply(200, details),
    );
    let asked = 0;
    const maySend = (): boolean => {
      asked += 1;
      return true;
    };
    await forge.dispatch(dispatchOf({ maySend }), forever);
    expect(asked).toBe(2);
    expect(server.received.join('')).toContain(`POST ${moved}`);
  });

  it.each([
    ['to another server', 307, 'http://127.0.0.1:1/x', 'no'],
    ['that goes round in circles', 307, moved, 'no'],
    ['that may follow a deed', 303, moved, 'unknown'],
  ])('%s is no answer', async (_what, status, location, acted) => {
    const { forge } = await start(() => rawReply(status, '', { location }));
    const error = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(error).toMatchObject({ code: 'bad-reply', acted, status });
  });
});

describe('an answer that is not GitHub’s', () => {
  it.each([
    ['a page of HTML', '<html>'],
    ['nothing', ''],
    ['other JSON', '{"ok":true}'],
    ['a list', '[]'],
  ])('to a dispatch (%s with 200) has acted as far as we know', async (_what, body) => {
    const { forge } = await start(() => rawReply(200, body));
    const error = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(error).toMatchObject({ code: 'bad-reply', acted: 'unknown' });
  });

  it('names the field that is wrong, not its value', async () => {
    const { forge } = await start(() =>
      rawReply(200, '{"total_count":1,"runners":[{"id":1,"name":"a","busy":"secret"}]}'),
    );
    const error = await failureOf(forge.listRunners('org:acme', [], forever));
    expect(error.message).toContain('no runner is as documented: status:');
    expect(error.message).not.toContain('secret');
  });

  it('to a read has not acted', async () => {
    const { forge } = await start(() => rawReply(200, '<html>'));
    const error = await failureOf(forge.getRun('acme', 'app', '1', forever));
    expect(error).toMatchObject({ code: 'bad-reply', acted: 'no' });
  });
});

describe('a refusal', () => {
  it('is told with the forge’s own words and what to do', async () => {
    const body = JSON.stringify({
      message: 'Validation Failed',
      errors: [{ field: 'ref', code: 'missing' }, 'and more'],
    });
    const { forge } = await start(() => rawReply(422, body));
    const error = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(error.message).toBe(
      'could not dispatch ci.yml of acme/app at main (422: Validation Failed; ref missing; and more): it will be refused again: compare inputs, ref and the workflow_dispatch trigger of the workflow file',
    );
  });

  it('for want of a permission names the permission and the key of the token', async () => {
    const { forge } = await start(() => rawReply(403, '{"message":"Resource not accessible"}'));
    const error = await failureOf(forge.listRunners('org:acme', [], forever));
    expect(error).toMatchObject({ code: 'no-access', acted: 'no' });
    expect(error.message).toContain('github.runners_token');
    expect(error.message).toContain('admin:org');
  });
});

describe('runners whose pages do not fit together', () => {
  const page = (ids: readonly number[], total: number): string =>
    JSON.stringify({
      total_count: total,
      runners: ids.map((id) => ({
        id,
        name: `r${String(id)}`,
        status: 'online',
        busy: false,
        labels: [],
      })),
    });

  it('are read once more', async () => {
    const { forge } = await start((_request, number) =>
      rawReply(200, number === 1 ? page([1], 2) : page([1, 2], 2), { etag: '"e"' }),
    );
    const listing = await forge.listRunners('org:acme', [], forever);
    expect(listing).toMatchObject({ isComplete: true, etags: ['"e"'] });
    expect(listing.runners).toHaveLength(2);
  });

  it('stay incomplete when that does not help, and leave no ETags to build on', async () => {
    const { forge, server } = await start(() => rawReply(200, page([1], 2), { etag: '"e"' }));
    const listing = await forge.listRunners('org:acme', [], forever);
    expect(listing).toMatchObject({ isChanged: true, isComplete: false, etags: [] });
    expect(server.received.join('').match(/GET/g)).toHaveLength(2);
  });
});

describe('runs beyond the thousand that one search shows', () => {
  const since = Date.UTC(2026, 0, 1);
  const at = (second: number): string =>
    `${new Date(since + second * 1_000).toISOString().slice(0, 19)}Z`;
  /** GitHub's search over runs made one a second: newest first, never more than 1,000. */
  const search =
    (seconds: readonly number[]) =>
    (request: string): string => {
      const query = new URL(/GET (\S+)/.exec(request)?.[1] ?? '', 'http://x').searchParams;
      const [, end] = (query.get('created') ?? '').split('..');
      const found = seconds
        .map((second, index) => ({ id: index + 1, at: at(second) }))
        .filter((run) => end === undefined || run.at <= end)
        .reverse();
      const from = (Number(query.get('page')) - 1) * 100;
      const shown = found.slice(0, 1_000).slice(from, from + 100);
      const runs = shown.map((run) => rawRun(run.id, run.at)).join(',');
      return rawReply(200, `{"total_count":${String(found.length)},"workflow_runs":[${runs}]}`);
    };

  it('are found by narrowing the time', async () => {
    const seconds = Array.from({ length: 2_300 }, (_, index) => Math.floor(index / 3));
    const { forge, clock } = await start(search(seconds));
    const listing = await forge.listRuns('acme', 'app', { createdSince: since }, forever);
    expect(listing).toMatchObject({ isComplete: true, sentAt: clock.now() });
    expect(new Set(listing.runs.map((run) => run.id)).size).toBe(2_300);
    const times = listing.runs.map((run) => run.createdAt);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  it('of one and the same second cannot be told apart: the listing says that it is not complete', async () => {
    const { forge } = await start(search(Array.from({ length: 1_200 }, () => 0)));
    const listing = await forge.listRuns('acme', 'app', { createdSince: since }, forever);
    expect(listing.isComplete).toBe(false);
    expect(listing.runs).toHaveLength(1_000);
  });
});

describe('a count that is wrong', () => {
  const page = (ids: readonly number[]): string => {
    const runs = ids.map((id) => rawRun(id, '2026-01-01T12:00:00Z')).join(',');
    return rawReply(200, `{"total_count":3,"workflow_runs":[${runs}]}`);
  };

  it('is not believed when two readings show the same runs', async () => {
    const { forge } = await start(() => page([1, 2]));
    const listing = await forge.listRuns('acme', 'app', { createdSince: 0 }, forever);
    expect(listing.isComplete).toBe(true);
    expect(listing.runs).toHaveLength(2);
  });

  it('leaves a listing incomplete when they differ', async () => {
    const { forge } = await start((_request, number) => page(number === 1 ? [1] : [1, 2]));
    const listing = await forge.listRuns('acme', 'app', { createdSince: 0 }, forever);
    expect(listing.isComplete).toBe(false);
  });
});

describe('each request that was tried', () => {
  it('is counted under its name with what became of it', async () => {
    const counted: string[] = [];
    const server = await startRawServer(({ number, socket }) => {
      socket.write(number === 1 ? rawReply(200, details) : rawReply(404, '{}'));
    });
    const forge = makeTestForge({
      baseUrl: server.url,
      clock: new FakeClock(),
      onRequest: (endpoint, outcome) => counted.push(`${endpoint} ${outcome}`),
    });
    releases.push(
      () => server.close(),
      () => forge.close(),
    );
    await forge.dispatch(dispatchOf(), forever);
    await failureOf(forge.getRun('acme', 'app', '1', forever));
    await failureOf(forge.dispatch(dispatchOf({ maySend: () => false }), forever));
    expect(counted).toEqual(['dispatch ok', 'getRun not-found']);
  });
});

describe('a credential without a user of its own', () => {
  it('is connected once the rate limit answers', async () => {
    const { forge } = await start((request) =>
      request.startsWith('GET /api/v3/rate_limit')
        ? rawReply(200, '{}')
        : rawReply(403, '{"message":"Resource not accessible by integration"}'),
    );
    await forge.ensureConnected(forever);
    expect(forge.credentialFor('dispatch')).toMatchObject({
      isConnected: true,
      actor: '',
      error: '',
    });
  });

  it('is not connected when nothing answers it', async () => {
    const { forge } = await start(() => rawReply(403, '{"message":"Forbidden"}'));
    await forge.ensureConnected(forever);
    expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: false });
    expect(forge.credentialFor('dispatch').error).toContain('github.token');
  });
});

describe('dispatches', () => {
  it('do not stand in line behind reads', async () => {
    const held: (() => void)[] = [];
    const server = await startRawServer(({ request, socket }) => {
      if (request.startsWith('POST')) socket.write(rawReply(200, details));
      else held.push(() => socket.write(rawReply(200, rawRun(1, '2026-01-01T12:00:00Z'))));
    });
    const forge = makeTestForge({ baseUrl: server.url, clock: new FakeClock() });
    releases.push(
      () => server.close(),
      () => forge.close(),
    );
    const reads = Array.from({ length: 40 }, (_, index) =>
      forge.getRun(`owner-${String(index)}`, 'app', '1', forever),
    );
    await server.requests(16);
    await forge.dispatch(dispatchOf(), forever);
    expect(held).toHaveLength(16);
    // Each answer lets the next in line through.
    for (let answered = 0; answered < 40; answered += 1) {
      await server.requests(Math.min(41, 17 + answered));
      held.shift()?.();
    }
    const all = Promise.all(reads);
    expect(await all).toHaveLength(40);
  });
});

describe('reads about a repository that hangs', () => {
  it('leave room for those about others', async () => {
    const run = rawRun(1, '2026-01-01T12:00:00Z');
    const server = await startRawServer(({ request, socket }) => {
      if (!request.includes('/acme/slow/')) socket.write(rawReply(200, run));
    });
    const forge = makeTestForge({ baseUrl: server.url, clock: new FakeClock() });
    releases.push(
      () => server.close(),
      () => forge.close(),
    );
    const stop = new AbortController();
    const hanging = Array.from({ length: 40 }, () =>
      failureOf(forge.getRun('acme', 'slow', '1', stop.signal)),
    );
    await server.requests(8);
    expect((await forge.getRun('acme', 'app', '1', forever)).run.id).toBe('1');
    stop.abort();
    await Promise.all(hanging);
  });
});
