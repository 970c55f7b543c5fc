import { describe, expect, it } from 'vitest';
import { call, smallWorld, startSim } from '../sim.testkit.ts';

const LIST = 'GET /orgs/acme/actions/runners?per_page=100';

async function simWithRunners(count: number) {
  const sim = await startSim({}, smallWorld);
  for (let i = 1; i <= count; i += 1) {
    sim.addRunner({ scope: 'org:acme', name: `r${i}`, labels: ['linux'] });
  }
  return sim;
}

describe('a fault of a list', () => {
  it('odd-entry leaves one field of one entry null', async () => {
    const sim = await simWithRunners(3);
    sim.addFault({ on: 'listRunners', kind: 'odd-entry', field: 'busy', id: 2 });
    sim.addFault({ on: 'listRunners', kind: 'odd-entry', field: 'labels' });
    const { body } = await call(sim, LIST);
    expect(body.total_count).toBe(3);
    expect(body.runners).toMatchObject([{ busy: false }, { id: 2, busy: null }, { busy: false }]);
    expect((await call(sim, LIST)).body.runners[0]).toMatchObject({ id: 1, labels: null });
    expect((await call(sim, LIST)).body.runners).toMatchObject([{ busy: false }, {}, {}]);
    expect(sim.ledger().requests).toMatchObject([
      { fault: 'odd-entry', acted: true, status: 200 },
      { fault: 'odd-entry' },
      { acted: true },
    ]);
  });

  it('wrong-total counts what is not there, and no ETag stands for it', async () => {
    const sim = await simWithRunners(1);
    const { etag = '' } = Object.fromEntries((await call(sim, LIST)).headers);
    sim.addFault({ on: 'listRunners', kind: 'wrong-total', total: 100_000 });
    const spoilt = await call(sim, LIST, { headers: { 'if-none-match': etag } });
    expect(spoilt.status).toBe(200);
    expect(spoilt.body).toMatchObject({ total_count: 100_000, runners: [{ id: 1 }] });
    expect(spoilt.headers.get('etag')).toBeNull();
  });

  it('shifting-pages skips entries between pages, and counts fewer', async () => {
    const sim = await simWithRunners(150);
    sim.addFault({ on: 'listRunners', kind: 'shifting-pages', shift: 5, times: 'always' });
    const pages = [];
    for (let reading = 0; reading < 20; reading += 1) {
      expect((await call(sim, LIST)).body).toMatchObject({ total_count: 150 });
      const { body } = await call(sim, `${LIST}&page=2`);
      const shown = body.runners as { id: number }[];
      expect(shown.at(-1)).toMatchObject({ id: 150 });
      expect(body.total_count - 100).toBe(shown.length);
      pages.push(shown.length);
    }
    expect(Math.min(...pages)).toBeGreaterThanOrEqual(45);
    expect(new Set(pages).size).toBeGreaterThan(2);
  });
});
