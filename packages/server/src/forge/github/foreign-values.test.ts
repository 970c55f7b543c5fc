import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { makeLogger } from '../../lib/logger.ts';
import { Secret } from '../../lib/secret.ts';
import { failureOf, forever } from '../contract/world.testkit.ts';
import { readLimitFacts } from './limit-facts.ts';
import { rawReply, startRawServer } from './raw-server.testkit.ts';
import { makeTestForge } from './start.testkit.ts';
import { makeWebhookVerifier } from './webhook-verifier.ts';

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

const AT = '2026-01-01T12:00:00Z';
const runner = (id: number) => ({ id, name: `r${id}`, status: 'online', busy: false, labels: [] });
const run = (id: number) => ({
  ...{ id, run_attempt: 1, workflow_id: 1, event: 'workflow_dispatch', head_sha: 'a'.repeat(40) },
  ...{ created_at: AT, updated_at: AT },
});
const job = (id: number) => ({
  ...{ id, run_id: 7, run_attempt: 1, runner_id: 3, name: 'build', status: 'queued', labels: [] },
  ...{ created_at: AT },
});

/** As JSON, in which one value is written as it is: JSON.stringify would not write each of these. */
function written(value: object, field: string, json: string): string {
  return JSON.stringify({ ...value, [field]: 'HERE' }).replace('"HERE"', json);
}

async function startForge(status: number, body: string) {
  let log = '';
  const server = await startRawServer(({ socket }) => {
    socket.write(rawReply(status, body));
  });
  const logger = makeLogger('warn', { write: (line) => void (log += line) });
  const forge = makeTestForge({ baseUrl: `${server.url}/api/v3`, clock: new FakeClock(), logger });
  releases.push(
    () => server.close(),
    () => forge.close(),
  );
  return {
    runners: async () => (await forge.listRunners('org:acme', [], forever)).runners,
    runs: async () => (await forge.listRuns('acme', 'app', { createdSince: 0 }, forever)).runs,
    jobs: async () => (await forge.listRunJobs('acme', 'app', '7', forever)).jobs,
    told: () => log.split('\n').filter((line) => line.includes('left out')),
  };
}

type Forge = Awaited<ReturnType<typeof startForge>>;
const LISTS = {
  runners: { key: 'runners', entry: runner, read: (forge: Forge) => forge.runners() },
  runs: { key: 'workflow_runs', entry: run, read: (forge: Forge) => forge.runs() },
  jobs: { key: 'jobs', entry: job, read: (forge: Forge) => forge.jobs() },
};

const verifier = makeWebhookVerifier({
  secret: new Secret('a secret of webhooks'),
  receipt: () => ({ at: Date.parse(AT), uncertaintyMs: 500 }),
});

function deliver(event: 'workflow_run' | 'workflow_job', told: string) {
  const repository = { name: 'app', owner: { login: 'acme' } };
  const body = JSON.stringify({ [event]: 'TOLD', repository }).replace('"TOLD"', told);
  const hex = createHmac('sha256', 'a secret of webhooks').update(body).digest('hex');
  const begun = verifier.begin({
    'x-hub-signature-256': `sha256=${hex}`,
    'x-github-event': event,
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  });
  if ('refused' in begun) throw new Error(begun.message);
  return begun.read(Buffer.from(body), 'application/json');
}

const BEYOND_INT64 = '9223372036854775808';
const BEYOND_INDEX = '9'.repeat(5_000);
const odd = [
  ['runners', 'id', 'more than 63 bits', BEYOND_INT64],
  ['runners', 'id', '5,000 digits', BEYOND_INDEX],
  ['runners', 'id', 'one and a half', '1.5'],
  ['runs', 'id', 'more than 63 bits', BEYOND_INT64],
  ['runs', 'workflow_id', '5,000 digits', BEYOND_INDEX],
  ['runs', 'run_attempt', 'more than 31 bits', '2147483648'],
  ['runs', 'run_attempt', 'none', '0'],
  ['runs', 'run_attempt', 'one and a half', '1.5'],
  ['runs', 'head_sha', '3,000 signs', JSON.stringify('a'.repeat(3_000))],
  ['jobs', 'id', '5,000 digits', BEYOND_INDEX],
  ['jobs', 'run_id', 'more than 63 bits', BEYOND_INT64],
  ['jobs', 'runner_id', 'more than 63 bits', BEYOND_INT64],
  ['jobs', 'run_attempt', 'more than 31 bits', '2147483648'],
  ['jobs', 'run_attempt', 'less than none', '-1'],
] as const;

describe('a number that no column of the database takes', () => {
  it.each(odd)(
    'leaves one of the %s out and is told once: %s of %s',
    async (list, field, _what, json) => {
      const { key, entry, read } = LISTS[list];
      const entries = [
        JSON.stringify(entry(1)),
        written(entry(2), field, json),
        JSON.stringify(entry(3)),
      ];
      const forge = await startForge(200, `{"total_count":3,"${key}":[${entries.join(',')}]}`);
      const ids = (await read(forge)).map((one) => ('id' in one ? one.id : one.forgeRunnerId));
      expect(ids.toSorted()).toEqual(['1', '3']);
      await read(forge);
      expect(forge.told()).toEqual([expect.stringContaining(`"problem":"${field}: `)]);
    },
  );

  it.each(odd.filter(([list]) => list !== 'runners'))(
    'makes a webhook of %s one that is not understood: %s of %s',
    (list, field, _what, json) => {
      const event = list === 'runs' ? 'workflow_run' : 'workflow_job';
      const told = written(LISTS[list].entry(1), field, json);
      expect(deliver(event, told)).toEqual({
        problem: expect.stringContaining(`${event}.${field}: `) as string,
      });
    },
  );
});

describe('a text with half of a surrogate pair or U+0000', () => {
  const HALF = String.raw`"a\ud800b\u0000c"`;
  const KEPT = 'a\ufffdbc';

  it('is read as it is stored, so that what bears it has not changed at each look', async () => {
    const withLabel = written({ ...runner(1), name: 'x' }, 'labels', `[{"name":${HALF}}]`);
    const raw = withLabel.replace('"x"', HALF);
    const forge = await startForge(200, `{"total_count":1,"runners":[${raw}]}`);
    expect(await forge.runners()).toMatchObject([{ name: KEPT, labels: [KEPT] }]);
  });

  it.each([
    ['runs', 'display_title', { name: KEPT }],
    ['runs', 'head_branch', { branch: KEPT }],
    ['runs', 'html_url', { url: '' }],
    ['jobs', 'name', { name: KEPT }],
    ['jobs', 'runner_name', { runnerName: KEPT }],
  ] as const)('is the same in a list and a webhook of %s: %s', async (list, field, expected) => {
    const { key, entry, read } = LISTS[list];
    const json = field === 'html_url' ? String.raw`"https://a/\ud800"` : HALF;
    const raw = written(entry(1), field, json);
    const forge = await startForge(200, `{"total_count":1,"${key}":[${raw}]}`);
    expect(await read(forge)).toMatchObject([expected]);
    const [event, part] = list === 'runs' ? ['workflow_run', 'run'] : ['workflow_job', 'job'];
    const reading = deliver(event as 'workflow_run' | 'workflow_job', raw);
    expect(reading).toMatchObject({ observation: { [part]: expected } });
  });

  it('is quoted from a refusal as it can be stored, also where the quote is cut', async () => {
    const forge = await startForge(422, `{"message":${HALF},"errors":["${'😀'.repeat(200)}"]}`);
    const { message } = await failureOf(forge.runners());
    expect(message).toContain(KEPT);
    expect(message.isWellFormed()).toBe(true);
  });
});

it.each(['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'retry-after'])(
  'a limit of 400 digits in %s is a number that the database takes',
  (header) => {
    const headers = { [header]: '9'.repeat(400) };
    const facts = readLimitFacts({ status: 200, headers, body: '', sentAt: 0 }, 0, 0);
    const numbers = [facts.limit, facts.remaining, facts.resetAt, facts.retryAt];
    expect(numbers.filter((one) => one !== null)).toHaveLength(1);
    for (const one of numbers) expect(one === null || Number.isSafeInteger(one)).toBe(true);
  },
);
