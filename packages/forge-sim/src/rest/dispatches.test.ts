import { describe, expect, it } from 'vitest';
import {
  call,
  DISPATCH,
  getRun,
  NOON,
  smallWorld,
  startSim,
  TOKEN,
  workflow,
} from '../sim.testkit.ts';

const declared = {
  ...smallWorld,
  tokens: [
    ...(smallWorld.tokens ?? []),
    { token: 'read-only', login: 'r', scopes: 'read' as const },
  ],
  workflows: [
    workflow({
      refs: ['main', 'v1.0'],
      jobs: [],
      inputs: {
        target: { required: true },
        level: { default: 'low', type: 'choice', options: ['low', 'high'] },
        dry: { type: 'boolean' },
      },
    }),
    workflow({ file: 'push-only.yml', jobs: [], isDispatchable: false }),
    workflow({ file: 'off.yml', jobs: [], isDisabled: true }),
    workflow({ file: 'broken.yml', jobs: [], parseError: '(Line: 9, Col: 5): Bad value' }),
  ],
};

describe('dispatch', () => {
  it('answers 204 without a body', async () => {
    const sim = await startSim();
    const reply = await call(sim, DISPATCH, { body: { ref: 'main' } });
    expect(reply).toMatchObject({ status: 204, body: undefined });
    expect(sim.ledger().runs).toHaveLength(1);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('answers 200 with the run when asked to, by file or by workflow id', async () => {
    const sim = await startSim();
    const body = { ref: 'main', return_run_details: true };
    const reply = await call(sim, DISPATCH, { body });
    const id = reply.body.workflow_run_id as number;
    expect(reply.body).toEqual({
      workflow_run_id: id,
      run_url: `${sim.url}/repos/acme/app/actions/runs/${id}`,
      html_url: `${sim.url}/acme/app/actions/runs/${id}`,
    });
    expect(id).toBeGreaterThan(17_000_000_000);
    const run = await call(sim, `GET /repos/acme/app/actions/runs/${id}`);
    const byId = DISPATCH.replace('ci.yml', String(run.body.workflow_id));
    const second = await call(sim, byId, { body });
    expect(second.body.workflow_run_id).toBeGreaterThan(id);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('makes a run of the token’s user, with inputs as text and defaults filled in', async () => {
    const sim = await startSim({}, declared);
    const inputs = { target: 'x', dry: true };
    const body = { ref: 'refs/tags/v1.0', inputs, return_run_details: true };
    const reply = await call(sim, DISPATCH, { body });
    expect(getRun(sim, reply.body.workflow_run_id as number)).toMatchObject({
      workflow: 'ci.yml',
      ref: 'v1.0',
      actor: 'acme-bot',
      createdAt: NOON,
      inputs: { target: 'x', level: 'low', dry: 'true' },
    });
  });

  const many = Object.fromEntries(Array.from({ length: 26 }, (_, i) => [`i${i}`, 'x']));
  it.each([
    ['an unknown ref', { ref: 'nope' }, 422, 'No ref found for: nope'],
    ['no ref', { inputs: {} }, 422, '"ref" wasn\'t supplied'],
    [
      'an undeclared input',
      { ref: 'main', inputs: { target: 'x', foo: 'y' } },
      422,
      'Unexpected inputs provided: ["foo"]',
    ],
    ['a missing input', { ref: 'main' }, 422, "Required input 'target' not provided"],
    [
      'an empty required input',
      { ref: 'main', inputs: { target: '' } },
      422,
      "Required input 'target' not provided",
    ],
    [
      'a value that is no choice',
      { ref: 'main', inputs: { target: 'x', level: 'mid' } },
      422,
      "'mid' for input 'level'",
    ],
    [
      'a value that is no boolean',
      { ref: 'main', inputs: { target: 'x', dry: 'perhaps' } },
      422,
      'not a boolean',
    ],
    ['an object as input', { ref: 'main', inputs: { target: { a: 1 } } }, 422, 'is not a string'],
    [
      '26 inputs',
      { ref: 'main', inputs: many },
      422,
      'No more than 25 properties are allowed; 26 were supplied',
    ],
    ['an unknown field', { ref: 'main', typo: 1 }, 400, '"typo" is not a permitted key'],
    [
      'a payload over 65,535 characters',
      { ref: 'main', inputs: { target: 'x'.repeat(65_535) } },
      422,
      'inputs are too large',
    ],
  ])('refuses %s and starts nothing', async (_what, body, status, message) => {
    const sim = await startSim({}, declared);
    const reply = await call(sim, DISPATCH, { body });
    expect(reply.status).toBe(status);
    expect(reply.body.message).toContain(message);
    expect(sim.ledger().runs).toEqual([]);
  });

  it('refuses a body that is no JSON', async () => {
    const sim = await startSim();
    const [, path = ''] = DISPATCH.split(' ');
    const headers = { authorization: 'token token-of-acme-bot' };
    const reply = await fetch(sim.url + path, { method: 'POST', body: '{"ref"', headers });
    expect([reply.status, await reply.json()]).toMatchObject([
      400,
      { message: 'Problems parsing JSON' },
    ]);
  });

  it('knows neither a missing workflow nor one that cannot be dispatched', async () => {
    const sim = await startSim({}, declared);
    const body = { ref: 'main' };
    expect((await call(sim, DISPATCH.replace('ci', 'no'), { body })).status).toBe(404);
    const reply = await call(sim, DISPATCH.replace('ci', 'push-only'), { body });
    expect(reply.body.message).toBe("Workflow does not have 'workflow_dispatch' trigger");
  });

  it('refuses a workflow that is disabled or broken, until it is mended', async () => {
    const sim = await startSim({}, declared);
    const send = (file: string) => call(sim, DISPATCH.replace('ci', file), { body });
    const body = { ref: 'main' };
    const off = await send('off');
    expect(off).toMatchObject({
      ...{ status: 422 },
      body: { message: "Cannot trigger a 'workflow_dispatch' on a disabled workflow" },
    });
    expect((await send('broken')).body.message).toContain('failed to parse workflow: (Line: 9');
    sim.seed({ workflows: [workflow({ file: 'off.yml' }), workflow({ file: 'broken.yml' })] });
    expect([(await send('off')).status, (await send('broken')).status]).toEqual([204, 204]);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('refuses an archived repository, which can still be read', async () => {
    const sim = await startSim();
    const archive = (archived: boolean): void => {
      sim.seed({ repos: [{ owner: 'acme', name: 'app', archived }] });
    };
    archive(true);
    const reply = await call(sim, DISPATCH, { body: { ref: 'main' } });
    expect([reply.status, reply.body.message]).toEqual([
      ...[403, 'Repository was archived so is read-only.'],
    ]);
    expect((await call(sim, 'GET /repos/acme/app')).body.archived).toBe(true);
    archive(false);
    expect((await call(sim, DISPATCH, { body: { ref: 'main' } })).status).toBe(204);
  });

  it('tells a token that single sign-on has not authorised where to do it', async () => {
    const sim = await startSim();
    sim.setToken(TOKEN, { unauthorisedBy: ['Acme'] });
    const reply = await call(sim, DISPATCH, { body: { ref: 'main' } });
    expect(reply.status).toBe(403);
    expect(reply.headers.get('x-github-sso')).toMatch(/^required; url=http.*\/orgs\/acme\/sso\?/);
    expect((await call(sim, 'GET /orgs/acme/actions/runners')).status).toBe(403);
    sim.setToken(TOKEN, { unauthorisedBy: [] });
    expect((await call(sim, DISPATCH, { body: { ref: 'main' } })).status).toBe(204);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('refuses a token that may only read', async () => {
    const sim = await startSim({}, declared);
    const reply = await call(sim, DISPATCH, { token: 'read-only', body: { ref: 'main' } });
    expect([reply.status, sim.ledger().requests[0]?.acted]).toEqual([403, false]);
  });
});

describe('GHES', () => {
  it('up to 3.20 answers 400 to return_run_details, and 204 without', async () => {
    const sim = await startSim({ ghes: '3.20' });
    const path = DISPATCH.replace(' ', ' /api/v3');
    const refused = await call(sim, path, { body: { ref: 'main', return_run_details: true } });
    expect([refused.status, sim.ledger().runs.length]).toEqual([400, 0]);
    expect((await call(sim, path, { body: { ref: 'main' } })).status).toBe(204);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('from 3.21 on returns the run', async () => {
    const sim = await startSim({ ghes: '3.21' });
    const reply = await call(sim, DISPATCH, { body: { ref: 'main', return_run_details: true } });
    expect(reply.body.run_url).toMatch(`${sim.url}/api/v3/repos/acme/app/actions/runs/`);
  });

  it('up to 3.19 takes 10 inputs', async () => {
    const sim = await startSim({ ghes: '3.19' });
    const inputs = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`i${i}`, 'x']));
    const reply = await call(sim, DISPATCH, { body: { ref: 'main', inputs } });
    expect(reply.body.message).toContain('No more than 10 properties are allowed');
  });

  it('has no rate limit, and says so', async () => {
    const sim = await startSim({ ghes: '3.20' });
    const reply = await call(sim, 'GET /api/v3/rate_limit');
    expect([reply.status, reply.body.message]).toEqual([404, 'Rate limiting is not enabled.']);
    const user = await call(sim, 'GET /api/v3/user');
    expect(user.headers.get('x-ratelimit-limit')).toBeNull();
    expect(user.headers.get('x-github-enterprise-version')).toBe('enterprise-server@3.20.0');
  });
});
