/** A process of its own that asks the server as fast as it answers: measuring and measured share no event loop. */
import { Pool } from 'undici';
import { now } from '../lib/clock.ts';
import type { EnqueueWork, LoadPlan, LoadResult } from './plan.ts';

interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly key?: string;
}

const MOST_ERRORS = 5;
const MOST_TRIES = 3;

// The probe has let go of it; here it is what the program waits for.
process.channel?.ref();
process.on('message', (message: { plan?: LoadPlan }) => {
  if (message.plan === undefined) return;
  carryOut(message.plan).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  );
});

async function carryOut(plan: LoadPlan): Promise<LoadResult> {
  const pool = new Pool(plan.url, { connections: plan.connections });
  const requests = requestsOf(plan);
  const errors: string[] = [];
  const send = async (count: number): Promise<Float64Array> => {
    const durationsMs = new Float64Array(count);
    let sent = 0;
    let done = 0;
    const work = async (): Promise<void> => {
      while (sent < count) {
        sent += 1;
        const { value: request } = requests.next();
        if (request === undefined) throw new Error('the plan counts more requests than it has');
        const sentAt = now();
        const error = await ask(pool, plan.token, request);
        durationsMs[done] = now() - sentAt;
        done += 1;
        if (error !== undefined && errors.length < MOST_ERRORS) errors.push(error);
      }
    };
    await Promise.all(Array.from({ length: plan.connections }, work));
    return durationsMs;
  };
  await send(plan.unmeasured ?? 0);
  const cpuBefore = process.cpuUsage();
  const startedAt = now();
  const durationsMs = await send(plan.count);
  const spanMs = now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  await pool.close();
  return { durationsMs, spanMs, generatorCpuMs: (user + system) / 1_000, errors };
}

function* requestsOf({ work }: LoadPlan): Generator<Request, undefined> {
  if (work.kind === 'enqueue') yield* enqueues(work);
  else for (;;) yield { method: 'GET', path: work.path };
}

function* enqueues({ queues, keyPrefix }: EnqueueWork): Generator<Request> {
  for (const { groupId, templateId, jobs } of queues) {
    for (let i = 0; i < jobs; i += 1) {
      yield {
        method: 'POST',
        path: `/api/v1/groups/${groupId}/queue`,
        body: JSON.stringify({ template_id: templateId, inputs: { mark: `${groupId}-${i}` } }),
        ...(keyPrefix !== undefined && { key: `${keyPrefix}-${groupId}-${i}` }),
      };
    }
  }
}

/** @returns what went wrong */
async function ask(pool: Pool, token: string, request: Request): Promise<string | undefined> {
  const { method, path, body, key } = request;
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(key !== undefined && { 'idempotency-key': key }),
  };
  for (let tries = 1; ; tries += 1) {
    try {
      const options = { method, path, headers, ...(body !== undefined && { body }) };
      const response = await pool.request(options);
      const text = await response.body.text();
      if (response.statusCode < 300) return undefined;
      if (key === undefined || response.statusCode < 500 || tries === MOST_TRIES) {
        return `${method} ${path}: ${response.statusCode} ${text}`;
      }
    } catch (error) {
      if (key === undefined || tries === MOST_TRIES) return `${method} ${path}: ${String(error)}`;
    }
  }
}
