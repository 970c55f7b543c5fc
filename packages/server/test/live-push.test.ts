import { ServerMessage } from '@dispatchoor/api-contract';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

for (const database of databases) {
  it(`a page on ${database.name} hears of a job from its queue to its end, and of its runner`, async () => {
    const world = await startWorld({ database });
    const page = watch(world, 'linux');
    await world.until(
      'subscribed',
      () => page.heard,
      (heard) => heard.length > 0,
    );
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    const job = await world.job(id, 'completed');
    const heard = await world.until(
      'its end is pushed, and its runner busy and idle',
      () => page.heard,
      () => page.states(id).includes('completed') && page.runnerStates().endsWith('idle'),
    );
    expect(page.states(id)[0]).toMatch(/pending|triggered/);
    const last = heard.findLast((each) => each.type === 'job_state');
    expect(last).toEqual({ type: 'job_state', group_id: 'linux', payload: job });
    await world.api.pauseGroup('linux');
    await world.until(
      'the pause is pushed',
      () => page.heard,
      (seen) => seen.some(({ type }) => type === 'queue_update'),
    );
  });

  it(`a page on ${database.name} is let go when its user logs out`, async () => {
    const world = await startWorld({ database });
    const page = watch(world, 'linux');
    await world.until(
      'subscribed',
      () => page.heard,
      (heard) => heard.length > 0,
    );
    await world.api.ask('/api/v1/auth/logout', { method: 'POST' });
    expect(await page.closed).toBe(1008);
    await world.login();
  });
}

interface Page {
  /** Every message parses as one of the contract's. */
  readonly heard: readonly ServerMessage[];
  readonly closed: Promise<number>;
  /** Of a job, in the order in which they were heard, none twice in a row. */
  readonly states: (jobId: string) => string[];
  /** Such as `idle busy idle`. */
  readonly runnerStates: () => string;
}

function watch(world: World, groupId: string): Page {
  const address = `${world.url.replace('http', 'ws')}/api/v1/ws?token=${world.api.tokens.at(-1) ?? ''}`;
  const socket = new WebSocket(address);
  onTestFinished(() => {
    socket.terminate();
  });
  const heard: ServerMessage[] = [];
  socket.on('open', () => {
    socket.send(JSON.stringify({ type: 'subscribe', group_id: groupId }));
  });
  socket.on('message', (data: Buffer) => {
    heard.push(ServerMessage.parse(JSON.parse(data.toString())));
  });
  const runners = () => heard.flatMap((each) => (each.type === 'runner_status' ? [each] : []));
  return {
    heard,
    closed: new Promise((resolve) => {
      socket.on('close', resolve);
    }),
    states: (jobId) =>
      heard.flatMap((each) =>
        each.type === 'job_state' && each.payload.id === jobId ? [each.payload.status] : [],
      ),
    runnerStates: () =>
      runners()
        .map(({ payload }) => (payload.busy ? 'busy' : 'idle'))
        .join(' '),
  };
}
