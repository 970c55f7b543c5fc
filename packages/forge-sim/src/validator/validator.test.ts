import { describe, expect, it } from 'vitest';
import { assertValid, createSchemaValidator, type ValidatedReply } from './validator.ts';

const validator = createSchemaValidator();
const headers = {
  accept: 'application/vnd.github+json',
  'user-agent': 'tests',
  'x-github-api-version': '2022-11-28',
};
const runner = { id: 1, name: 'r', os: 'Linux', status: 'online', busy: false, labels: [] };

function reply(body: unknown, more: Partial<ValidatedReply> = {}): ValidatedReply {
  return { method: 'GET', path: '/orgs/acme/actions/runners', status: 200, body, ...more };
}

describe('the schema validator of requests', () => {
  it('lets a good one pass', () => {
    const query = { per_page: '100', page: '2', name: 'x' };
    expect(
      validator.checkRequest({ method: 'GET', path: '/orgs/a/actions/runners', query, headers }),
    ).toEqual([]);
  });

  it('wants the API version, a User-Agent and an Accept that names JSON', () => {
    const path = '/user';
    const wrong = validator.checkRequest({ method: 'GET', path, headers: { accept: '*/*' } });
    expect(wrong).toHaveLength(3);
    expect(wrong.join()).toMatch(/X-GitHub-Api-Version.*User-Agent.*Accept/);
  });

  it.each([
    [{ per_pages: '100' }, 'query per_pages is not described'],
    [{ per_page: 'many' }, 'query per_page: must be integer'],
    [{ status: 'done' }, 'query status: must be equal to one of'],
  ])('finds a wrong query %j', (query, problem) => {
    const path = '/repos/a/b/actions/runs';
    const [wrong] = validator.checkRequest({ method: 'GET', path, query, headers });
    expect(wrong).toContain(problem);
  });

  const dispatch = { method: 'POST', path: '/repos/a/b/actions/workflows/ci.yml/dispatches' };
  it.each([
    [undefined, 'must be object'],
    [{ inputs: {} }, "required property 'ref'"],
    [{ ref: 'main', input: {} }, '"input"'],
    [{ ref: 'main', return_run_details: 'yes' }, 'must be boolean'],
  ])('finds a wrong body %j', (body, problem) => {
    expect(validator.checkRequest({ ...dispatch, headers, body }).join()).toContain(problem);
  });

  it('takes the workflow by file or by number', () => {
    const body = { ref: 'main' };
    for (const name of ['ci.yml', '123']) {
      const path = dispatch.path.replace('ci.yml', name);
      expect(validator.checkRequest({ method: 'POST', path, headers, body })).toEqual([]);
    }
  });

  it('refuses a body where none is described, and a path that does not exist', () => {
    const cancel = '/repos/a/b/actions/runs/1/cancel';
    const wrong = validator.checkRequest({ method: 'POST', path: cancel, headers, body: {} });
    expect(wrong.join()).toContain('a body is sent where none is described');
    expect(validator.checkRequest({ method: 'GET', path: '/nope', headers }).join()).toContain(
      'no such endpoint',
    );
  });
});

describe('the schema validator of replies', () => {
  it('lets a good one pass, also where the description was written by hand', () => {
    const body = { total_count: 1, runners: [runner] };
    expect(validator.checkReply(reply(body))).toEqual([]);
    const path = '/enterprises/big/actions/runners';
    expect(validator.checkReply(reply(body, { path }))).toEqual([]);
  });

  it.each([
    [{ runners: [] }, "required property 'total_count'"],
    [{ total_count: '1', runners: [] }, 'must be integer'],
    [{ total_count: 1, runners: [{ ...runner, buzy: true }] }, '"buzy"'],
    [{ total_count: 1, runners: [{ ...runner, os: null }] }, '/runners/0/os: must be string'],
  ])('finds what is wrong with %j', (body, problem) => {
    expect(validator.checkReply(reply(body)).join()).toContain(problem);
  });

  it('knows which fields may be null', () => {
    const withVersion = (version: unknown) => {
      return validator.checkReply(reply({ total_count: 1, runners: [{ ...runner, version }] }));
    };
    expect(withVersion(null)).toEqual([]);
    expect(withVersion('2.330.0')).toEqual([]);
    expect(withVersion(2)).not.toEqual([]);
  });

  it('allows the common errors everywhere, in GitHub’s form', () => {
    const error = { message: 'Not Found', documentation_url: 'x', status: '404' };
    expect(validator.checkReply(reply(error, { status: 404 }))).toEqual([]);
    expect(validator.checkReply(reply({ error: 'x' }, { status: 404 }))).not.toEqual([]);
    expect(validator.checkReply(reply(undefined, { status: 304 }))).toEqual([]);
    expect(validator.checkReply(reply({}, { status: 304 }))).not.toEqual([]);
    expect(validator.checkReply(reply({}, { status: 201 })).join()).toContain('not described');
  });

  it('reads the limit headers as whole numbers', () => {
    const body = { total_count: 0, runners: [] };
    const wrong = reply(body, { headers: { 'x-ratelimit-reset': '2026-01-31' } });
    expect(validator.checkReply(wrong).join()).toContain('x-ratelimit-reset');
  });
});

describe('the schema validator of webhooks', () => {
  const ping = { zen: 'x', hook_id: 1 };

  it('lets a good one pass', () => {
    expect(validator.checkWebhook('ping', ping)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['ping', { ...ping, hookid: 1 }, 'webhook ping: payload: must NOT have additional properties'],
    ['push', {}, 'webhook push: is not described'],
    ['workflow_job', { action: 'started' }, 'webhook workflow_job started: is not described'],
    ['workflow_job', { action: 'queued' }, "queued: payload: must have required property 'repo"],
  ])('finds what is wrong with %s %j', (event, payload, problem) => {
    expect(validator.checkWebhook(event, payload).join()).toContain(problem);
  });

  it.each(['queued', 'waiting', 'in_progress', 'completed'])(
    'finds a misspelt field of a job that is %s',
    (action) => {
      const payload = { action, workflow_job: { stauts: action } };
      expect(validator.checkWebhook('workflow_job', payload).join()).toContain('"stauts"');
    },
  );
});

it('assertValid throws everything that is wrong', () => {
  expect(() =>
    assertValid({ request: { method: 'GET', path: '/user', headers: {} }, reply: reply({}) }),
  ).toThrow(/User-Agent[\s\S]*total_count/);
});
