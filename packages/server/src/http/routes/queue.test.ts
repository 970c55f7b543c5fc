import { describe, expect, it } from 'vitest';
import type { IdempotencyKey, NewJob } from '../../store/port/jobs.ts';
import { StoreError } from '../../store/port/store.ts';
import { adminToken, openTestApp, type TestAppParts } from '../app.testkit.ts';
import { makeJob, makeTemplate } from '../store.testkit.ts';

const url = '/api/v1/groups/g1/queue';
const authorization = `Bearer ${adminToken}`;
const manual = { owner: 'acme', repo: 'rockets', workflow_id: 'build.yml', ref: 'main' };

async function openQueue(parts: TestAppParts = {}) {
  const added: { job: NewJob; key: IdempotencyKey | undefined }[] = [];
  const { ask } = await openTestApp({
    catalog: { findTemplate: async (id) => (id === 't1' ? makeTemplate() : undefined) },
    jobs: {
      enqueue: async (job, key) => {
        added.push({ job, key });
        return { job: makeJob({ templateId: job.templateId }), isReplay: added.length > 1 };
      },
    },
    ...parts,
  });
  const add = (payload: object, headers: Record<string, string> = {}) =>
    ask({ method: 'POST', url, payload, headers: { authorization, ...headers } });
  return { ask, add, added };
}

describe('adding a job', () => {
  it('answers 201 with the job', async () => {
    const { add, added } = await openQueue();
    const reply = await add({ template_id: 't1' });
    expect(reply.statusCode).toBe(201);
    expect(reply.json()).toMatchObject({ template_id: 't1', status: 'pending' });
    expect(added[0]?.job).toMatchObject({
      groupId: 'g1',
      templateId: 't1',
      createdBy: 'ada',
      priority: 0,
      autoRequeue: false,
      requeueLimit: null,
      owner: null,
      labels: null,
    });
  });

  it('without a template needs to say where it goes', async () => {
    const { add, added } = await openQueue();
    const reply = await add({ ...manual, repo: '', ref: undefined });
    expect(reply.statusCode).toBe(400);
    expect(reply.json<{ error: string }>().error).toMatch(/^repo, ref: missing/);
    expect((await add({ ...manual, template_id: '' })).statusCode).toBe(201);
    expect(added[0]?.job).toMatchObject({ templateId: null, inputs: null, owner: 'acme' });
  });

  it('takes an empty override for none', async () => {
    const { add, added } = await openQueue();
    await add({ template_id: 't1', ref: '', name: '', labels: {}, owner: 'other' });
    expect(added[0]?.job).toMatchObject({ ref: null, name: null, labels: null, owner: 'other' });
  });

  it.each([
    ['unknown-template', 'template not found in this group'],
    ['unknown-group', 'group not found'],
  ] as const)('is a 400 where the store says %s', async (code, text) => {
    const { add } = await openQueue({
      jobs: {
        enqueue: async () => {
          throw new StoreError(code, 'FOREIGN KEY constraint failed');
        },
      },
    });
    const reply = await add({ template_id: 'nope' });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toEqual({ error: text, code });
  });

  it('counts the inputs together with those of the template before anything waits', async () => {
    const { add, added } = await openQueue();
    const many = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`i${i}`, 'x']));
    const reply = await add({ template_id: 't1', inputs: many });
    expect(reply.statusCode).toBe(400);
    expect(reply.json<{ error: string }>().error).toMatch(/^inputs: 26 /);
    expect((await add({ ...manual, inputs: many })).statusCode).toBe(201);
    expect(added).toHaveLength(1);
  });

  it('names the input that makes them too long for the forge', async () => {
    const { add } = await openQueue();
    const reply = await add({ ...manual, inputs: { a: 'x', script: 'y'.repeat(65_530) } });
    expect(reply.statusCode).toBe(400);
    expect(reply.json<{ error: string }>().error).toMatch(/^inputs\.script: too long/);
  });

  it('leaves room for the input that will carry the attempt id', async () => {
    const template = makeTemplate({ defaultInputs: null, correlationInput: 'attempt' });
    const { add } = await openQueue({ catalog: { findTemplate: async () => template } });
    const many = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`i${i}`, 'x']));
    expect((await add({ template_id: 't1', inputs: many })).statusCode).toBe(400);
  });
});

describe('an Idempotency-Key', () => {
  it('stands for what is asked for, in whatever order it is written', async () => {
    const { add, added } = await openQueue();
    const key = { 'idempotency-key': 'k-1' };
    await add({ ...manual, inputs: { a: '1', b: '2' } }, key);
    const reply = await add({ inputs: { b: '2', a: '1' }, ...manual }, key);
    await add({ ...manual, inputs: { a: '1', b: '3' } }, key);
    expect(reply.statusCode).toBe(201);
    expect(reply.headers['idempotency-replayed']).toBe('true');
    const [first, second, third] = added.map((each) => each.key);
    expect(first).toMatchObject({ username: 'ada', key: 'k-1' });
    expect(second).toEqual(first);
    expect(third?.bodyHash).not.toBe(first?.bodyHash);
  });

  it('is none without the header, and a 400 when it is no key', async () => {
    const { add, added } = await openQueue();
    await add(manual);
    expect(added[0]?.key).toBeUndefined();
    expect((await add(manual, { 'idempotency-key': 'two words' })).statusCode).toBe(400);
    expect((await add(manual, { 'idempotency-key': 'x'.repeat(256) })).statusCode).toBe(400);
  });

  it('with another body is a 422', async () => {
    const { add } = await openQueue({
      jobs: {
        enqueue: async () => {
          throw new StoreError('key-reused', 'reused');
        },
      },
    });
    const reply = await add(manual, { 'idempotency-key': 'k-1' });
    expect(reply.statusCode).toBe(422);
    expect(reply.json()).toMatchObject({ code: 'key-reused' });
  });

  it('is asked for when nobody knows whether the job was saved', async () => {
    const { add } = await openQueue({
      jobs: {
        enqueue: async () => {
          throw new StoreError('outcome-unknown', 'connection lost');
        },
      },
    });
    const reply = await add(manual);
    expect(reply.statusCode).toBe(503);
    expect(reply.json<{ error: string }>().error).toContain('Idempotency-Key');
  });
});

describe('the queue', () => {
  const ids = Array.from({ length: 2_300 }, (_, i) => `job-${i}`);
  const pages: TestAppParts['jobs'] = {
    listQueue: async (_groupId, { limit = ids.length, cursor }) => {
      const from = cursor === undefined ? 0 : Number(cursor);
      const to = Math.min(from + limit, ids.length);
      const jobs = ids.slice(from, to).map((id, i) => makeJob({ id, position: from + i }));
      return { jobs, nextCursor: to < ids.length ? String(to) : null };
    },
  };

  it('is told whole without limit and cursor, however long it is', async () => {
    const { ask } = await openQueue({ jobs: pages });
    const reply = await ask({ url });
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(reply.headers['x-next-cursor']).toBeUndefined();
    const told = reply.json<{ id: string; position: number }[]>();
    expect(told.map(({ id }) => id)).toEqual(ids);
    expect(told.at(-1)?.position).toBe(2_299);
  });

  it('tells a job once that moved while it was streamed', async () => {
    const { ask } = await openQueue({
      jobs: {
        listQueue: async (_groupId, { cursor }) =>
          cursor === undefined
            ? {
                jobs: [makeJob({ id: 'a', state: 'triggered' }), makeJob({ id: 'b' })],
                nextCursor: '2',
              }
            : { jobs: [makeJob({ id: 'a' }), makeJob({ id: 'c' })], nextCursor: null },
      },
    });
    const told = (await ask({ url })).json<{ id: string }[]>();
    expect(told.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('is told in pages with a limit; the header says where the next one starts', async () => {
    const { ask } = await openQueue({ jobs: pages });
    const first = await ask({ url: `${url}?limit=500` });
    expect(first.json()).toHaveLength(500);
    expect(first.headers['x-next-cursor']).toBe('500');
    const next = await ask({ url: `${url}?cursor=2250` });
    expect(next.json()).toHaveLength(50);
    expect(next.headers['x-next-cursor']).toBeUndefined();
  });

  it.each(['0', '501', '-1', 'ten', '1.5', ''])('has no page of "%s"', async (limit) => {
    const { ask } = await openQueue({ jobs: pages });
    const reply = await ask({ url: `${url}?limit=${limit}` });
    expect(reply.statusCode).toBe(400);
    expect(reply.json<{ error: string }>().error).toMatch(/^limit: /);
  });

  it('of an unknown group is empty', async () => {
    const { ask } = await openQueue({
      jobs: { listQueue: async () => ({ jobs: [], nextCursor: null }) },
    });
    expect((await ask({ url })).json()).toEqual([]);
  });
});
