import { describe, expect, it } from 'vitest';
import { call, dispatch, smallWorld, startSim, TOKEN } from '../sim.testkit.ts';

const other = { token: 'other-token', login: 'other-bot' };
const path = 'GET /orgs/acme/actions/runners';

async function simWithRunners(count: number) {
  const sim = await startSim({}, { ...smallWorld, tokens: [...(smallWorld.tokens ?? []), other] });
  for (let i = 1; i <= count; i += 1) {
    sim.addRunner({ scope: 'org:acme', name: `r${i}`, labels: ['self-hosted', 'linux', 'gpu'] });
  }
  return sim;
}

describe('listing runners', () => {
  it('shows id, state and labels of the runners of that scope only', async () => {
    const sim = await simWithRunners(1);
    sim.addRunner({ scope: 'repo:acme/app', name: 'of-repo', labels: ['linux'], os: 'Windows' });
    sim.addRunner({ scope: 'enterprise:big', name: 'of-all', labels: ['x'], online: false });
    const org = await call(sim, path);
    expect(org.body).toMatchObject({ total_count: 1 });
    expect(org.body.runners[0]).toMatchObject({ id: 1, name: 'r1', status: 'online', busy: false });
    const labels = org.body.runners[0].labels as { type: string }[];
    expect(labels.map((label) => label.type)).toEqual(['read-only', 'read-only', 'custom']);
    const repo = await call(sim, 'GET /repos/acme/app/actions/runners');
    expect(repo.body.runners).toMatchObject([{ name: 'of-repo', os: 'Windows' }]);
    const enterprise = await call(sim, 'GET /enterprises/big/actions/runners');
    expect(enterprise.body.runners).toMatchObject([{ name: 'of-all', status: 'offline' }]);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('shows a runner as busy with a run, or with an outside job, and not once it is gone', async () => {
    const sim = await simWithRunners(3);
    await dispatch(sim);
    sim.setRunner(sim.ledger().runners.find((r) => r.busySpans.length === 0)?.id ?? 0, {
      busy: true,
    });
    const busy = async (): Promise<boolean[]> => {
      const { body } = await call(sim, path);
      return (body.runners as { busy: boolean }[]).map((runner) => runner.busy);
    };
    expect((await busy()).filter(Boolean)).toHaveLength(2);
    for (const { id, busySpans } of sim.ledger().runners) {
      if (busySpans.length === 0) sim.removeRunner(id);
    }
    expect(await busy()).toEqual([true, true]);
  });

  it('is paged by 30, at most by 100, with links to the other pages', async () => {
    const sim = await simWithRunners(250);
    expect((await call(sim, path)).body.runners).toHaveLength(30);
    const page = await call(sim, `${path}?per_page=500&page=2`);
    expect(page.body.total_count).toBe(250);
    expect(page.body.runners[0].name).toBe('r101');
    expect(page.body.runners).toHaveLength(100);
    const link = page.headers.get('link') ?? '';
    expect([...link.matchAll(/rel="(\w+)"/g)].map(([, rel]) => rel)).toEqual([
      'prev',
      'next',
      'last',
      'first',
    ]);
    const [, next = ''] = /<([^>]+)>; rel="next"/.exec(link) ?? [];
    const last = await call(sim, `GET ${next.slice(sim.url.length)}`);
    expect(last.body.runners).toHaveLength(50);
    expect(last.headers.get('link')).not.toContain('next');
    expect(sim.schemaViolations).toEqual([]);
  });

  it('can be narrowed to one name', async () => {
    const sim = await simWithRunners(3);
    expect((await call(sim, `${path}?name=r2`)).body.runners).toMatchObject([{ name: 'r2' }]);
  });

  it('is hidden from who may not see the owner, and for a user instead of an organisation', async () => {
    const sim = await simWithRunners(1);
    sim.addToken({ token: 'narrow', login: 'n', owners: ['jane'] });
    expect((await call(sim, path, { token: 'narrow' })).status).toBe(404);
    expect((await call(sim, 'GET /orgs/jane/actions/runners')).status).toBe(404);
    expect((await call(sim, 'GET /enterprises/none/actions/runners')).status).toBe(404);
  });
});

describe('an ETag', () => {
  it('brings 304 and costs no budget while nothing has changed', async () => {
    const sim = await simWithRunners(1);
    const first = await call(sim, path);
    const etag = first.headers.get('etag') ?? '';
    const again = await call(sim, path, { headers: { 'if-none-match': etag } });
    expect(again).toMatchObject({ status: 304, body: undefined });
    expect(again.headers.get('x-ratelimit-remaining')).toBe('4999');
    expect(sim.ledger().requests[1]).toMatchObject({ conditional: true, status: 304 });
    sim.setRunner(1, { busy: true });
    const changed = await call(sim, path, { headers: { 'if-none-match': etag } });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('x-ratelimit-remaining')).toBe('4998');
    expect(sim.schemaViolations).toEqual([]);
  });

  it('is worth nothing to another token', async () => {
    const sim = await simWithRunners(1);
    const etag = (await call(sim, path, { token: TOKEN })).headers.get('etag') ?? '';
    const headers = { 'if-none-match': etag };
    expect((await call(sim, path, { token: 'other-token', headers })).status).toBe(200);
  });
});
