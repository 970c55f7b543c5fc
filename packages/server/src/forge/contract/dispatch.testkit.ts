import type { FaultKind } from '@dispatchoor/forge-sim';
import { describe, expect, it } from 'vitest';
import {
  DISPATCH_TOKEN,
  dispatchOf,
  failureOf,
  forever,
  READER_TOKEN,
  REQUEST_TIMEOUT_MS,
  RUNNERS_TOKEN,
  requestsOf,
  type StartForge,
} from './world.testkit.ts';

export function dispatchContract(start: StartForge): void {
  describe('a dispatch', () => {
    it('starts one run by one request and names it', async () => {
      const { forge, sim } = await start();
      const accepted = await forge.dispatch(dispatchOf({ inputs: { attempt: 'a1' } }), forever);
      const [run, ...others] = sim.ledger().runs;
      expect(others).toEqual([]);
      expect(run).toMatchObject({ workflow: 'ci.yml', ref: 'main', inputs: { attempt: 'a1' } });
      expect(accepted.runId).toBe(String(run?.id));
      expect(accepted.runUrl).toContain(`/acme/app/actions/runs/${String(run?.id)}`);
      expect(requestsOf(sim, 'dispatch')).toHaveLength(1);
    });

    it('that may no longer be sent is not sent', async () => {
      const { forge, sim } = await start();
      const error = await failureOf(forge.dispatch(dispatchOf({ maySend: () => false }), forever));
      expect(error).toMatchObject({ code: 'not-sent', acted: 'no' });
      expect(sim.ledger().requests).toEqual([]);
    });

    it('whose caller has given up is not sent', async () => {
      const { forge, sim } = await start();
      const error = await failureOf(forge.dispatch(dispatchOf(), AbortSignal.abort()));
      expect(error).toMatchObject({ code: 'not-sent', acted: 'no' });
      expect(sim.ledger().requests).toEqual([]);
    });

    it.each([
      [
        '26 inputs',
        Object.fromEntries(Array.from({ length: 26 }, (_, i) => [`k${String(i)}`, 'v'])),
      ],
      ['65,536 characters of inputs', { attempt: 'x'.repeat(65_522) }],
    ])('with %s is refused before it is sent', async (_what, inputs) => {
      const { forge, sim } = await start();
      const error = await failureOf(forge.dispatch(dispatchOf({ inputs }), forever));
      expect(error).toMatchObject({ code: 'invalid-inputs', acted: 'no' });
      expect(sim.ledger().requests).toEqual([]);
    });

    it.each([
      ['an input that the workflow lacks', { inputs: { nonsense: '1' } }, 'invalid-inputs'],
      ['a ref that does not exist', { ref: 'gone' }, 'invalid'],
      ['a workflow that does not exist', { workflowId: 'gone.yml' }, 'not-found'],
      ['a repository that does not exist', { repo: 'gone' }, 'not-found'],
    ])('with %s has started nothing', async (_what, change, code) => {
      const { forge, sim } = await start();
      const error = await failureOf(forge.dispatch(dispatchOf(change), forever));
      expect(error).toMatchObject({ code, acted: 'no' });
      expect(sim.ledger().runs).toEqual([]);
      expect(requestsOf(sim, 'dispatch')).toHaveLength(1);
    });

    it('by a credential that may only read is told as no-access', async () => {
      const { forge, sim } = await start({
        tokens: { dispatch: READER_TOKEN, runners: RUNNERS_TOKEN },
      });
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'no-access', acted: 'no', status: 403 });
      expect(sim.ledger().runs).toEqual([]);
    });
  });
}

/** Kind of fault → what the caller is told, and whether the forge really acted. */
const FAULTS: readonly {
  readonly kind: FaultKind;
  readonly code: string;
  readonly acted: 'no' | 'unknown';
  readonly runs: number;
}[] = [
  { kind: 'status-before', code: 'unavailable', acted: 'unknown', runs: 0 },
  { kind: 'status-after', code: 'unavailable', acted: 'unknown', runs: 1 },
  { kind: 'reset-before', code: 'unavailable', acted: 'unknown', runs: 0 },
  { kind: 'reset-after', code: 'unavailable', acted: 'unknown', runs: 1 },
  { kind: 'unparsable', code: 'bad-reply', acted: 'unknown', runs: 1 },
  { kind: 'rate-limit-429', code: 'rate-limited', acted: 'no', runs: 0 },
  { kind: 'secondary-limit', code: 'rate-limited', acted: 'no', runs: 0 },
  { kind: 'not-found', code: 'not-found', acted: 'no', runs: 0 },
];

export function dispatchFailures(start: StartForge): void {
  describe('a dispatch that fails', () => {
    it.each(FAULTS)('by $kind is $code, acted $acted, and never sent again', async (fault) => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'dispatch', kind: fault.kind });
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: fault.code, acted: fault.acted });
      expect(sim.ledger().runs).toHaveLength(fault.runs);
      expect(requestsOf(sim, 'dispatch')).toHaveLength(1);
    });

    it.each([408, 500, 502, 503, 504])('by a %i leaves open whether it acted', async (status) => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'dispatch', kind: 'status-before', status });
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'unavailable', acted: 'unknown', status });
    });

    it.each([421, 423, 425])('by a %i passes, and has started nothing', async (status) => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'dispatch', kind: 'status-before', status });
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'unavailable', acted: 'no', status });
    });

    it('by a page of a proxy says nothing of the workflow, nor whether anything was started', async () => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'dispatch', kind: 'status-before', status: 422, html: true });
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'bad-reply', acted: 'unknown', status: 422 });
    });

    it('by a 409 is a conflict and has started nothing', async () => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'dispatch', kind: 'status-before', status: 409 });
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'conflict', acted: 'no', status: 409 });
    });

    it.each(['hold', 'hold-before'] as const)(
      'by no answer in time (%s) is unknown',
      async (kind) => {
        const { forge, sim, clock } = await start();
        sim.addFault({ on: 'dispatch', kind });
        const failure = failureOf(forge.dispatch(dispatchOf(), forever));
        await sim.wait(({ requests }) => requests.length === 1);
        await clock.advance(REQUEST_TIMEOUT_MS);
        expect(await failure).toMatchObject({ code: 'unavailable', acted: 'unknown' });
        expect(requestsOf(sim, 'dispatch')).toHaveLength(1);
      },
    );

    it('by its caller giving up after the first byte is unknown', async () => {
      const { forge, sim } = await start();
      const caller = new AbortController();
      sim.addFault({ on: 'dispatch', kind: 'hold' });
      const failure = failureOf(forge.dispatch(dispatchOf(), caller.signal));
      await sim.wait(({ requests }) => requests.length === 1);
      caller.abort();
      expect(await failure).toMatchObject({ code: 'unavailable', acted: 'unknown' });
    });

    it('by a server that is not there has started nothing', async () => {
      const { forge, sim } = await start();
      await sim.close();
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'unavailable', acted: 'no' });
    });

    it('says in its text neither token nor more than an operator needs', async () => {
      const { forge, sim } = await start();
      sim.setToken(DISPATCH_TOKEN, { valid: false });
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error.message).toContain('acme/app');
      expect(JSON.stringify(error) + error.message + String(error.stack)).not.toContain(
        DISPATCH_TOKEN,
      );
    });
  });
}
