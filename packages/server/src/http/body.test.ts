import { describe, expect, it } from 'vitest';
import type { NewJob } from '../store/port/jobs.ts';
import { adminToken, openTestApp } from './app.testkit.ts';
import { makeJob } from './store.testkit.ts';

const manual = { owner: 'acme', repo: 'rockets', workflow_id: 'build.yml', ref: 'main' };

async function openQueue() {
  const added: NewJob[] = [];
  const { ask } = await openTestApp({
    jobs: {
      enqueue: async (job) => {
        added.push(job);
        return { job: makeJob({ templateId: null }), isReplay: false };
      },
    },
  });
  const add = (payload: string, contentType?: string) =>
    ask({
      method: 'POST',
      url: '/api/v1/groups/g1/queue',
      payload,
      headers: {
        authorization: `Bearer ${adminToken}`,
        ...(contentType !== undefined && { 'content-type': contentType }),
      },
    });
  const problem = async (body: unknown): Promise<string> => {
    const reply = await add(JSON.stringify(body));
    expect(reply.statusCode).toBe(400);
    return reply.json<{ error: string }>().error;
  };
  return { added, add, problem };
}

describe('request bodies', () => {
  it.each(['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'nonsense', ''])(
    'are read as JSON though their type says "%s"',
    async (contentType) => {
      const { add } = await openQueue();
      expect((await add(JSON.stringify(manual), contentType)).statusCode).toBe(201);
    },
  );

  it('that are not UTF-8 are a 400: the job would run with other inputs than were sent', async () => {
    const { ask } = await openTestApp();
    const [before = '', after = ''] = JSON.stringify({ ...manual, inputs: { a: '|' } }).split('|');
    const payload = Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);
    const headers = { authorization: `Bearer ${adminToken}` };
    const reply = await ask({ method: 'POST', url: '/api/v1/groups/g1/queue', payload, headers });
    expect(reply.statusCode).toBe(400);
    expect(reply.json<{ error: string }>().error).toContain('UTF-8');
  });

  it.each(['inputs', 'labels', 'INPUTS'])(
    'with a name __proto__ in %s are refused, and never taken without it',
    async (map) => {
      const { add, added } = await openQueue();
      const reply = await add(
        `{"owner":"a","repo":"b","workflow_id":"c","ref":"d","${map}":{"__proto__":"x","y":"z"}}`,
      );
      expect(reply.statusCode).toBe(400);
      expect(reply.json<{ error: string }>().error).toContain(`${map}.__proto__`);
      expect(added).toEqual([]);
    },
  );

  it('are read as JSON without a type', async () => {
    const { add } = await openQueue();
    expect((await add(JSON.stringify(manual))).statusCode).toBe(201);
  });

  it('match keys in any case, ignore unknown ones, and take null for left out', async () => {
    const { add, added } = await openQueue();
    const { workflow_id, ...rest } = manual;
    const body = { ...rest, Workflow_ID: workflow_id, color: 'red', requeue_limit: null };
    const reply = await add(JSON.stringify({ ...body, INPUTS: null, Priority: 7 }));
    expect(reply.statusCode).toBe(201);
    expect(added[0]).toMatchObject({ workflowId: 'build.yml', inputs: null, priority: 7 });
  });

  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['{', 'not JSON'],
    ['{} {}', 'not JSON'],
  ])('are refused when they are %j', async (payload, why) => {
    const { add } = await openQueue();
    const reply = await add(payload);
    expect(reply.statusCode).toBe(400);
    expect(reply.json<{ error: string }>().error).toContain(why);
  });

  it('are refused by the key that has the wrong type', async () => {
    const { problem } = await openQueue();
    expect(await problem([])).toBe('the body: must be an object');
    expect(await problem({ ...manual, owner: 7 })).toBe('owner: must be a string');
    expect(await problem({ ...manual, inputs: { a: 1 } })).toBe('inputs.a: must be a string');
    expect(await problem({ ...manual, inputs: [] })).toBe('inputs: must be an object');
    expect(await problem({ ...manual, auto_requeue: 'yes' })).toBe(
      'auto_requeue: must be a boolean',
    );
  });

  it('over 1 MiB are a 413 (defect #31)', async () => {
    const { add } = await openQueue();
    const reply = await add(JSON.stringify({ ...manual, name: 'x'.repeat(1024 * 1024) }));
    expect(reply.statusCode).toBe(413);
    expect(reply.json()).toMatchObject({ code: 'body-too-large' });
  });

  it('have bounds on every number and text (defect #31)', async () => {
    const { problem } = await openQueue();
    expect(await problem({ ...manual, requeue_limit: -1 })).toBe(
      'requeue_limit: must be at least 0',
    );
    expect(await problem({ ...manual, requeue_limit: 1.5 })).toBe(
      'requeue_limit: must be a whole number',
    );
    expect(await problem({ ...manual, priority: 101 })).toBe('priority: must be at most 100');
    expect(await problem({ ...manual, priority: -101 })).toBe('priority: must be at least -100');
    expect(await problem({ ...manual, name: 'x'.repeat(256) })).toContain(
      'name: must have at most',
    );
    expect(await problem({ ...manual, ref: 'a\0b' })).toContain('ref: must not contain U+0000');
    const labels = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`l${i}`, 'x']));
    expect(await problem({ ...manual, labels })).toContain('labels: must be at most 100');
  });

  it('take a null value of a map for an empty text', async () => {
    const { add, added } = await openQueue();
    expect((await add(JSON.stringify({ ...manual, inputs: { a: null } }))).statusCode).toBe(201);
    expect(added[0]?.inputs).toEqual({ a: '' });
  });
});
