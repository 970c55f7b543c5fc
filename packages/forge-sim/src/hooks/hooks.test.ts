import { describe, expect, it } from 'vitest';
import type { ForgeSim, Ledger, World } from '../index.ts';
import {
  call,
  dispatch,
  NOON,
  SECOND,
  smallWorld,
  startSim,
  TOKEN,
  workflow,
} from '../sim.testkit.ts';
import { type Receiver, signatureOf, startReceiver } from './receiver.testkit.ts';

const SECRET = 'a secret of both sides';
const linux = { scope: 'org:acme', name: 'one', labels: ['linux'] };

/** Until every delivery that is due has been answered or given up. */
async function settled(sim: ForgeSim, total: number): Promise<Ledger> {
  await sim.wait(({ deliveryCounts: { total: all, waiting, inFlight } }) => {
    return all >= total && waiting === 0 && inFlight === 0;
  });
  return sim.ledger();
}

function heard({ received }: Receiver): string[] {
  return received.map(({ what }) => what);
}

describe('a webhook', () => {
  it('is greeted with a signed ping', async () => {
    const sim = await startSim();
    const receiver = await startReceiver();
    const { id } = sim.addHook({ url: receiver.url, secret: SECRET, owner: 'acme' });
    const { deliveries } = await settled(sim, 1);
    const [ping] = receiver.received;
    expect(ping?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^GitHub-Hookshot\//) as string,
      'x-github-event': 'ping',
      'x-github-hook-id': String(id),
      'x-github-hook-installation-target-type': 'organization',
      'x-hub-signature-256': signatureOf(SECRET, ping?.raw ?? ''),
    });
    expect(ping?.body).toMatchObject({
      hook_id: id,
      hook: { type: 'Organization', config: { url: receiver.url, secret: '********' } },
      organization: { login: 'acme' },
    });
    expect(deliveries).toMatchObject([
      { event: 'ping', action: null, status: 202, at: NOON, sentAt: NOON, hookId: id },
    ]);
    expect(deliveries[0]?.guid).toBe(ping?.headers['x-github-delivery']);
    expect(sim.schemaViolations).toEqual([]);
    expect(JSON.stringify([ping?.body, sim.ledger()])).not.toContain(SECRET);
  });

  it('has no signature without a secret', async () => {
    const sim = await startSim();
    const receiver = await startReceiver();
    sim.addHook({ url: receiver.url });
    await settled(sim, 1);
    expect(receiver.received[0]?.headers).not.toHaveProperty('x-hub-signature-256');
    expect(receiver.received[0]?.body).toMatchObject({ hook: { type: 'App' } });
    expect(sim.schemaViolations).toEqual([]);
  });

  it.each<[unknown, string]>([
    [{ url: 'ftp://x' }, 'hook.url: must match pattern'],
    [{ url: 'http://[' }, 'hook.url: "http://[" is no URL'],
    [{ url: 'http://x', repo: 'app' }, 'hook.repo: needs hook.owner'],
    [{ url: 'http://x', owner: 'nobody' }, 'no owner nobody, add it to owners'],
    [{ url: 'http://x', owner: 'acme', repo: 'nope' }, 'no repository acme/nope'],
    [{ url: 'http://x', events: ['push'] }, 'hook.events[0]: must be equal to one of'],
    [{ url: 'http://x', key: 'x' }, '(key)'],
  ])('%j is refused, naming the place', async (spec, problem) => {
    const sim = await startSim();
    expect(() => sim.addHook(spec as never)).toThrow(problem);
    expect(sim.ledger().deliveries).toEqual([]);
  });
});

describe('the events of a run', () => {
  it('come in the order in which they happen, each as the description has it', async () => {
    const sim = await startSim();
    const receiver = await startReceiver();
    sim.addHook({ url: receiver.url, secret: SECRET });
    const runId = await dispatch(sim);
    await settled(sim, 3);
    sim.addRunner(linux);
    await settled(sim, 5);
    await sim.clock.advance(10 * SECOND);
    const { deliveries, deliveryCounts, runs } = await settled(sim, 7);
    const jobId = runs[0]?.jobs[0]?.id;
    expect(deliveries.map(({ event, action }) => `${event} ${action ?? ''}`.trim())).toEqual([
      'ping',
      'workflow_run requested',
      'workflow_job queued',
      'workflow_job in_progress',
      'workflow_run in_progress',
      'workflow_job completed',
      'workflow_run completed',
    ]);
    expect([...heard(receiver)].sort()).toEqual(
      deliveries.map(({ event, action }) => `${event} ${action ?? ''}`.trim()).sort(),
    );
    expect(deliveryCounts).toMatchObject({ total: 7, accepted: 7, lost: 0, failed: 0 });
    expect(deliveries[1]).toMatchObject({ runId });
    expect(deliveries[2]).toMatchObject({ runId, jobId });
    for (const { raw, headers } of receiver.received) {
      expect(headers['x-hub-signature-256']).toBe(signatureOf(SECRET, raw));
    }
    expect(sim.schemaViolations).toEqual([]);
  });

  it('show the run and its job as they were then, without a runner while queued', async () => {
    const sim = await startSim();
    const receiver = await startReceiver();
    sim.addHook({ url: receiver.url });
    sim.addRunner(linux);
    await dispatch(sim);
    await settled(sim, 5);
    const queued = receiver.received.find(({ what }) => what === 'workflow_job queued')?.body;
    expect(queued.workflow_job).toMatchObject({
      status: 'queued',
      ...{ runner_id: null, runner_name: null, runner_group_id: null, runner_group_name: null },
      created_at: '2026-01-31T12:00:00Z',
    });
    expect(queued).toMatchObject({
      repository: { full_name: 'acme/app' },
      organization: { login: 'acme' },
      sender: { login: 'acme-bot' },
    });
    const started = receiver.received.find(({ what }) => what === 'workflow_job in_progress')?.body;
    expect(started.workflow_job).toMatchObject({ status: 'in_progress', runner_name: 'one' });
    const asked = receiver.received.find(({ what }) => what === 'workflow_run requested')?.body;
    expect(asked).toMatchObject({
      workflow_run: { status: 'queued', run_attempt: 1 },
      workflow: { path: '.github/workflows/ci.yml' },
    });
  });

  it('tell of jobs at a gate, cancelled before a runner took them, and of skipped ones', async () => {
    const gated = workflow({
      file: 'ci.yml',
      gate: 'waiting',
      jobs: [
        { name: 'one', runsOn: ['linux'], durationMs: SECOND },
        { name: 'two', runsOn: ['linux'], durationMs: SECOND, needs: ['one'] },
      ],
    });
    const sim = await startSim({}, { ...smallWorld, workflows: [gated] });
    const receiver = await startReceiver();
    sim.addHook({ url: receiver.url, events: ['workflow_job'] });
    const runId = await dispatch(sim);
    sim.releaseGate(runId);
    await call(sim, `POST /repos/acme/app/actions/runs/${String(runId)}/cancel`);
    const { deliveries } = await settled(sim, 6);
    expect(deliveries.map(({ action }) => action)).toEqual([
      ...[null, 'waiting', 'waiting', 'queued', 'completed', 'completed'],
    ]);
    const ended = receiver.received.filter(({ what }) => what === 'workflow_job completed');
    for (const { body } of ended) {
      expect(body.workflow_job).toMatchObject({ conclusion: 'cancelled', runner_id: null });
    }
    expect(sim.schemaViolations).toEqual([]);
  });

  it('come again for a re-run, but for the request', async () => {
    const sim = await startSim();
    const receiver = await startReceiver();
    sim.addRunner(linux);
    const runId = await dispatch(sim);
    await sim.clock.advance(10 * SECOND);
    sim.addHook({ url: receiver.url });
    sim.rerun(runId);
    await sim.clock.advance(10 * SECOND);
    const { deliveries } = await settled(sim, 6);
    expect(deliveries.map(({ event, action }) => `${event} ${action ?? ''}`.trim())).toEqual([
      'ping',
      'workflow_job queued',
      'workflow_job in_progress',
      'workflow_run in_progress',
      'workflow_job completed',
      'workflow_run completed',
    ]);
    const last = receiver.received.find(({ what }) => what === 'workflow_run completed')?.body;
    expect(last.workflow_run).toMatchObject({ id: runId, run_attempt: 2, conclusion: 'success' });
    expect(sim.schemaViolations).toEqual([]);
  });

  it('of a run that fails to start are its request and its end', async () => {
    const broken = workflow({ file: 'ci.yml', runConclusion: 'startup_failure', jobs: [] });
    const sim = await startSim({}, { ...smallWorld, workflows: [broken] });
    const receiver = await startReceiver();
    sim.addHook({ url: receiver.url });
    await dispatch(sim);
    const { deliveries } = await settled(sim, 3);
    expect(deliveries.map(({ action }) => action)).toEqual([null, 'requested', 'completed']);
    expect(sim.schemaViolations).toEqual([]);
  });
});

describe('who is told', () => {
  const twoRepos: World = {
    ...smallWorld,
    repos: [...(smallWorld.repos ?? []), { owner: 'acme', name: 'lib' }],
  };

  it.each([
    [{ owner: 'Acme' }, 3],
    [{ owner: 'acme', repo: 'APP' }, 3],
    [{ owner: 'acme', repo: 'lib' }, 1],
    [{ owner: 'jane' }, 1],
    [{ events: ['workflow_job' as const] }, 2],
    [{ events: ['ping' as const] }, 1],
  ])('a hook with %j has %i deliveries of a run of acme/app', async (spec, count) => {
    const sim = await startSim({}, twoRepos);
    const receiver = await startReceiver();
    sim.addHook({ ...spec, url: receiver.url });
    await dispatch(sim);
    expect((await settled(sim, count)).deliveries).toHaveLength(count);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('comes from the seeded world too, and nobody after removeHook', async () => {
    const receiver = await startReceiver();
    const sim = await startSim({}, { ...smallWorld, hooks: [{ url: receiver.url }] });
    sim.removeHook(1);
    await dispatch(sim);
    expect((await settled(sim, 1)).deliveries).toHaveLength(1);
    expect(() => sim.removeHook(1)).toThrow('no hook 1');
  });
});

describe('an answer', () => {
  it('of any kind is written down, and nothing is sent again', async () => {
    const sim = await startSim();
    const receiver = await startReceiver((response) => response.writeHead(503).end('busy'));
    sim.addHook({ url: receiver.url });
    const { deliveries, deliveryCounts } = await settled(sim, 1);
    expect(deliveries[0]).toMatchObject({ status: 503 });
    expect(deliveryCounts).toMatchObject({ total: 1, refused: 1, accepted: 0 });
  });

  it('that does not come leaves its reason', async () => {
    const sim = await startSim();
    const receiver = await startReceiver((response) => response.destroy());
    sim.addHook({ url: receiver.url });
    const { deliveries, deliveryCounts } = await settled(sim, 1);
    expect(deliveries[0]).toMatchObject({ status: null, error: 'socket hang up' });
    expect(deliveryCounts).toMatchObject({ failed: 1 });
  });

  it('that hangs holds up neither the world nor the end of the forge', async () => {
    const sim = await startSim();
    const receiver = await startReceiver(() => undefined);
    sim.addHook({ url: receiver.url });
    sim.addRunner(linux);
    await dispatch(sim);
    await sim.clock.advance(10 * SECOND);
    expect(sim.ledger().runs[0]?.conclusion).toBe('success');
    await sim.wait(({ deliveryCounts }) => deliveryCounts.inFlight === 7);
    await sim.close();
  });

  it('frees the connection for the next delivery', async () => {
    const sim = await startSim();
    const receiver = await startReceiver();
    sim.addHook({ url: receiver.url, events: ['workflow_job'] });
    for (let total = 1; total <= 6; total += 1) {
      await settled(sim, total);
      await dispatch(sim);
    }
    await settled(sim, 7);
    expect(new Set(receiver.received.map(({ port }) => port)).size).toBe(1);
  });
});

describe('the delay of the profile', () => {
  it('is drawn for each delivery by itself, so that they overtake each other', async () => {
    const receiver = await startReceiver();
    const sim = await startSim({ profile: 'github', clock: 'manual' });
    sim.addHook({ url: receiver.url });
    for (let i = 0; i < 5; i += 1) {
      const dispatched = call(sim, 'POST /repos/acme/app/actions/workflows/ci.yml/dispatches', {
        token: TOKEN,
        body: { ref: 'main' },
      });
      await sim.wait(({ requests }) => requests.length === i + 1);
      await sim.clock.advance(SECOND);
      await dispatched;
    }
    await sim.clock.advance(2 * SECOND);
    const { deliveries } = await settled(sim, 11);
    const delays = deliveries.map(({ at, sentAt }) => (sentAt ?? 0) - at);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...delays)).toBeLessThanOrEqual(350);
    const sent = deliveries.map(({ sentAt }) => sentAt ?? 0);
    expect(sent).not.toEqual([...sent].sort((a, b) => a - b));
  });
});
