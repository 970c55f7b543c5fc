import { describe, expect, it } from 'vitest';
import type { ForgeSim, HookFaults, Ledger } from '../index.ts';
import { dispatch, SECOND, startSim } from '../sim.testkit.ts';
import { type Receiver, startReceiver } from './receiver.testkit.ts';

const linux = { scope: 'org:acme', name: 'one', labels: ['linux'] };

async function startHooked(
  faults: HookFaults,
  seed = 1,
): Promise<{ sim: ForgeSim; receiver: Receiver }> {
  const sim = await startSim({ seed });
  const receiver = await startReceiver();
  sim.addHook({ url: receiver.url });
  await settled(sim, 1);
  sim.setHookFaults(faults);
  return { sim, receiver };
}

async function settled(sim: ForgeSim, total: number): Promise<Ledger> {
  await sim.wait(({ deliveryCounts: { total: all, waiting, inFlight } }) => {
    return all >= total && waiting === 0 && inFlight === 0;
  });
  return sim.ledger();
}

describe('a fault of deliveries', () => {
  it('lost: nothing is sent, and the ledger knows', async () => {
    const { sim, receiver } = await startHooked({ lost: 1 });
    await dispatch(sim);
    const { deliveries, deliveryCounts } = await settled(sim, 3);
    expect(deliveries.slice(1)).toMatchObject([
      { fault: 'lost', sentAt: null, status: null },
      { fault: 'lost', sentAt: null, status: null },
    ]);
    expect(deliveryCounts).toMatchObject({ lost: 2, accepted: 1 });
    expect(receiver.received).toHaveLength(1);
  });

  it('doubled: the same bytes twice under one GUID', async () => {
    const { sim, receiver } = await startHooked({ doubled: 1 });
    await dispatch(sim);
    const { deliveries, deliveryCounts } = await settled(sim, 5);
    expect(deliveries.slice(1).map(({ fault }) => fault)).toEqual([
      ...[undefined, 'doubled', undefined, 'doubled'],
    ]);
    expect(deliveries[1]?.guid).toBe(deliveries[2]?.guid);
    expect(deliveryCounts).toMatchObject({ total: 5, accepted: 5, doubled: 2 });
    const guid = deliveries[1]?.guid;
    const same = receiver.received.filter(({ headers }) => headers['x-github-delivery'] === guid);
    expect(same).toHaveLength(2);
    expect(new Set(same.map(({ raw }) => raw)).size).toBe(1);
  });

  it('delayed: sent within the span, on the forge’s clock', async () => {
    const { sim } = await startHooked({ delayed: { probability: 1, ms: [2_000, 3_000] } });
    await dispatch(sim);
    await sim.clock.advance(1_999);
    expect(sim.ledger().deliveryCounts).toMatchObject({ waiting: 2, delayed: 2 });
    await sim.clock.advance(1_001);
    const { deliveries } = await settled(sim, 3);
    for (const { at, sentAt, fault } of deliveries.slice(1)) {
      expect(fault).toBe('delayed');
      expect((sentAt ?? 0) - at).toBeGreaterThanOrEqual(2_000);
      expect((sentAt ?? 0) - at).toBeLessThanOrEqual(3_000);
    }
  });

  it('reordered: those of one run arrive newest first', async () => {
    const { sim, receiver } = await startHooked({ reordered: true });
    sim.addRunner(linux);
    await dispatch(sim);
    const { deliveryCounts } = await settled(sim, 5);
    expect(receiver.received.slice(1).map(({ what }) => what)).toEqual([
      'workflow_run in_progress',
      'workflow_job in_progress',
      'workflow_job queued',
      'workflow_run requested',
    ]);
    expect(deliveryCounts).toMatchObject({ reordered: 4, delayed: 0 });
  });

  it('reordered never holds one for ever: alone it is only late', async () => {
    const { sim } = await startHooked({ reordered: 1 });
    sim.setHookFaults({ reordered: 1 });
    const receiver = await startReceiver();
    sim.addHook({ url: receiver.url });
    expect(sim.ledger().deliveryCounts.waiting).toBe(1);
    await sim.clock.advance(SECOND);
    const { deliveryCounts } = await settled(sim, 2);
    expect(deliveryCounts).toMatchObject({ accepted: 2, delayed: 1, reordered: 0 });
  });

  it('meets about as many as its chance, the same ones for the same seed', async () => {
    const lostOf = async (seed: number): Promise<number[]> => {
      const { sim } = await startHooked({ lost: 0.2, doubled: 0.2 }, seed);
      for (let i = 0; i < 50; i += 1) await dispatch(sim);
      const { deliveries, deliveryCounts } = await settled(sim, 101);
      expect(deliveryCounts.lost).toBeGreaterThan(8);
      expect(deliveryCounts.lost).toBeLessThan(35);
      expect(deliveryCounts.doubled).toBeGreaterThan(6);
      return deliveries.filter(({ fault }) => fault === 'lost').map(({ id }) => id);
    };
    const [first, again, other] = [await lostOf(3), await lostOf(3), await lostOf(4)];
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
  });

  it('mixes: what is not lost arrives, turned around, each GUID as often as it was sent', async () => {
    const { sim, receiver } = await startHooked({ lost: 0.2, doubled: 0.2, reordered: true });
    for (let i = 0; i < 20; i += 1) sim.addRunner({ ...linux, name: `runner-${String(i)}` });
    for (let i = 0; i < 20; i += 1) await dispatch(sim);
    await sim.clock.advance(20 * SECOND);
    const { deliveries, deliveryCounts } = await settled(sim, 121);
    const sent = deliveries.filter(({ fault }) => fault !== 'lost').map(({ guid }) => guid);
    const came = receiver.received.map(({ headers }) => String(headers['x-github-delivery']));
    expect(came.sort()).toEqual(sent.sort());
    expect(deliveryCounts).toMatchObject({ failed: 0, refused: 0, accepted: sent.length });
    expect(deliveryCounts.reordered).toBeGreaterThan(60);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('ends with an empty set of faults', async () => {
    const { sim } = await startHooked({ lost: 1 });
    sim.setHookFaults({});
    await dispatch(sim);
    expect((await settled(sim, 3)).deliveryCounts).toMatchObject({ lost: 0, accepted: 3 });
  });

  it.each<[unknown, string]>([
    [{ lost: 2 }, 'hook faults.lost: must be <= 1'],
    [{ gone: 1 }, '(gone)'],
    [{ delayed: { probability: 1, ms: [9, 1] } }, 'hook faults.delayed.ms: [9, 1]'],
  ])('%j is refused, naming the place', async (faults, problem) => {
    const sim = await startSim();
    expect(() => sim.setHookFaults(faults as never)).toThrow(problem);
  });
});

describe('paused hooks', () => {
  it('lose what is due, and resume with what comes after', async () => {
    const { sim } = await startHooked({});
    sim.pauseHooks();
    await dispatch(sim);
    sim.resumeHooks();
    await dispatch(sim);
    const { deliveries } = await settled(sim, 5);
    expect(deliveries.map(({ fault }) => fault)).toEqual([
      ...[undefined, 'lost', 'lost', undefined, undefined],
    ]);
  });
});
