import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import type { WebhookDelivery, WebhookReading } from '../../domain/webhook-verifier.ts';
import { Secret } from '../../lib/secret.ts';
import { makeWebhookVerifier } from './webhook-verifier.ts';

const require = createRequire(import.meta.url);
const examples = require('@octokit/webhooks-examples') as {
  readonly name: string;
  readonly examples: readonly unknown[];
}[];

const SECRET = "It's a Secret to Everybody";
const NOW = Date.UTC(2026, 0, 1);
const receipt = () => ({ at: NOW, uncertaintyMs: 500 });
const verifier = makeWebhookVerifier({ secret: new Secret(SECRET), receipt });

function headersOf(event: string, body: string) {
  const hex = createHmac('sha256', SECRET).update(body).digest('hex');
  return {
    'x-hub-signature-256': `sha256=${hex}`,
    'x-github-event': event,
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  };
}

function begin(headers: Readonly<Record<string, string>>): WebhookDelivery {
  const begun = verifier.begin(headers);
  if ('refused' in begun) throw new Error(begun.message);
  return begun;
}

function deliver(event: string, body: string, contentType = 'application/json'): WebhookReading {
  const delivery = begin(headersOf(event, body));
  delivery.take(Buffer.from(body));
  expect(delivery.isSigned()).toBe(true);
  return delivery.read(Buffer.from(body), contentType);
}

describe('a signature', () => {
  const hex = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  const headers = { ...headersOf('ping', ''), 'x-hub-signature-256': `sha256=${hex}` };

  it('is that of the raw bytes, in whatever pieces they come', () => {
    const delivery = begin(headers);
    delivery.take(Buffer.from('Hello, '));
    delivery.take(Buffer.from('World!'));
    expect(delivery.isSigned()).toBe(true);
  });

  it('is not that of other bytes', () => {
    const delivery = begin(headers);
    delivery.take(Buffer.from('Hello, World?'));
    expect(delivery.isSigned()).toBe(false);
  });

  it.each([
    [{ 'x-hub-signature-256': undefined }, 'unsigned'],
    [{ 'x-hub-signature-256': 'sha1=aa' }, 'unsigned'],
    [{ 'x-hub-signature-256': `sha256=${hex}0` }, 'unsigned'],
    [{ 'x-github-event': undefined }, 'malformed'],
    [{ 'x-github-event': 'a\nb' }, 'malformed'],
    [{ 'x-github-delivery': undefined }, 'malformed'],
    [{ 'x-github-delivery': 'x'.repeat(200) }, 'malformed'],
  ])('is not even looked at with the header %j', (changed, refused) => {
    expect(verifier.begin({ ...headers, ...changed })).toMatchObject({ refused });
  });
});

describe('GitHub’s own examples', () => {
  const OURS = ['ping', 'workflow_job', 'workflow_run'];
  const all = examples.flatMap(({ name, examples: bodies }) =>
    bodies.map((body) => ({ name, text: JSON.stringify(body) })),
  );

  it('are read where they are about runs, and left alone where not', () => {
    expect(all.length).toBeGreaterThan(200);
    for (const { name, text } of all) {
      const reading = deliver(name, text);
      const kind = name === 'workflow_run' ? 'run' : name.replace('_', '-');
      const expected = OURS.includes(name) ? { observation: { kind } } : { observation: null };
      expect(reading, name).toMatchObject(expected);
    }
  });

  it('are left alone under a name that is none of an event', () => {
    for (const name of ['constructor', '__proto__']) {
      expect(deliver(name, '{"kind":"ping"}')).toEqual({ observation: null });
    }
  });

  it('mean the same as a form', () => {
    for (const { name, text } of all.filter((one) => OURS.includes(one.name))) {
      const form = new URLSearchParams({ payload: text }).toString();
      expect(deliver(name, form, 'application/x-www-form-urlencoded')).toEqual(deliver(name, text));
    }
  });
});

describe('a signed delivery that cannot be read', () => {
  it('is told which field is wrong', () => {
    const body = JSON.stringify({ workflow_run: { id: 'one' }, repository: {} });
    expect(deliver('workflow_run', body)).toMatchObject({
      problem: expect.stringContaining('workflow_run.id') as string,
    });
  });

  it('is told what is wrong with its form', () => {
    expect(deliver('ping', '{')).toEqual({ problem: 'the body is not JSON' });
    expect(deliver('ping', '{}', 'text/plain')).toMatchObject({
      problem: expect.stringContaining('application/json') as string,
    });
    expect(deliver('ping', 'a=b', 'application/x-www-form-urlencoded')).toMatchObject({
      problem: expect.stringContaining('payload') as string,
    });
  });
});

describe('an id in a delivery', () => {
  const repository = { name: 'app', owner: { login: 'acme' } };
  const bodyWith = (id: string) =>
    JSON.stringify({
      workflow_job: {
        ...{ id: 7, run_id: 'ID', name: 'build', status: 'queued', labels: [], runner_id: 0 },
        created_at: '2026-01-01T00:00:00Z',
      },
      repository,
    }).replace('"ID"', id);

  it.each(['9007199254740993', '9223372036854775807', '12'])(
    '%s is read to its last digit, as in a listing',
    (id) => {
      const form = new URLSearchParams({ payload: bodyWith(id) }).toString();
      const observation = { job: { runId: id, runnerId: null } };
      expect(deliver('workflow_job', bodyWith(id))).toMatchObject({ observation });
      expect(deliver('workflow_job', form, 'application/x-www-form-urlencoded')).toMatchObject({
        observation,
      });
    },
  );

  it.each(['0', '-1', '-9007199254740993', '1.5', '1e30'])('%s is none, as in a listing', (id) => {
    expect(deliver('workflow_job', bodyWith(id))).toMatchObject({
      problem: expect.stringContaining('workflow_job.run_id') as string,
    });
  });
});

describe('stamps of a time that is yet to come', () => {
  const AHEAD = '2030-01-01T00:00:00Z';
  const latest = NOW + 500 + 1_000;
  const repository = { name: 'app', owner: { login: 'acme' } };
  const job = {
    ...{ id: 1, run_id: 2, name: 'build', status: 'completed', conclusion: 'success' },
    ...{ labels: [], runner_id: 3, runner_name: 'three' },
    ...{ created_at: AHEAD, started_at: AHEAD, completed_at: AHEAD },
  };

  it('are taken for the latest that the clock of the forge may show', () => {
    const observation = {
      at: latest,
      job: { createdAt: latest, startedAt: latest, completedAt: latest },
    };
    const body = JSON.stringify({ workflow_job: job, repository });
    expect(deliver('workflow_job', body)).toMatchObject({ observation });
  });

  it('are no different on a run', () => {
    const run = {
      ...{ id: 2, workflow_id: 4, event: 'push', status: 'in_progress' },
      ...{ created_at: AHEAD, run_started_at: AHEAD, updated_at: AHEAD },
    };
    const observation = {
      at: latest,
      run: { createdAt: latest, startedAt: latest, updatedAt: latest },
    };
    const body = JSON.stringify({ workflow_run: run, repository });
    expect(deliver('workflow_run', body)).toMatchObject({ observation });
  });
});

it('is closed without a secret', () => {
  expect(makeWebhookVerifier({ secret: new Secret(''), receipt }).isOpen).toBe(false);
});
