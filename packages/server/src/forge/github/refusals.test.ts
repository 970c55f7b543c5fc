import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { dispatchOf, failureOf, forever } from '../contract/world.testkit.ts';
import { rawReply, startRawServer } from './raw-server.testkit.ts';
import { findRefusal } from './refusals.ts';
import { makeTestForge } from './start.testkit.ts';

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** A forge, or what stands before it, that answers everything so. */
async function startAnswering(status: number, body: string, headers: Record<string, string> = {}) {
  const server = await startRawServer(({ socket }) => {
    socket.write(rawReply(status, body, headers));
  });
  const forge = makeTestForge({ baseUrl: server.url, clock: new FakeClock() });
  releases.push(
    () => server.close(),
    () => forge.close(),
  );
  return forge;
}

/** A dispatch that is answered so. */
async function refusedBy(status: number, message: string, headers: Record<string, string> = {}) {
  const forge = await startAnswering(status, JSON.stringify({ message }), headers);
  return failureOf(forge.dispatch(dispatchOf(), forever));
}

describe('a refusal of a dispatch', () => {
  it.each([
    ['Unexpected inputs provided: ["distinct_id", "env"]', ['distinct_id', 'env']],
    ["Required input 'target' not provided", ['target']],
    ["Provided value '' for input 'debug' not in the list of allowed values", ['debug']],
    ["Provided value 'it's' for input 'debug' is not a boolean", ['debug']],
    ["Invalid request.\n\nFor 'inputs/env', the value is not a string.", []],
    ['Invalid request.\n\nNo more than 25 properties are allowed; 26 were supplied.', []],
    ['inputs are too large.', []],
  ])('in the words %j is about the inputs of that one job', (message, inputs) => {
    expect(findRefusal(422, message)).toMatchObject({ code: 'invalid-inputs', inputs });
  });

  it.each([
    ['No ref found for: main', 'ref'],
    // What anybody has chosen stands behind GitHub's words, and is not looked at.
    ["No ref found for: Required input 'x' not provided", 'ref'],
    ["Workflow does not have 'workflow_dispatch' trigger", 'workflow_dispatch'],
    [
      'Invalid Argument - failed to parse workflow: (Line: 65, Col: 26): Unexpected symbol: \'??\'. Located at position 16 within expression: inputs.version ?? ""',
      'file',
    ],
  ])('in the words %j is about file or ref', (message, advice) => {
    expect(findRefusal(422, message)).toMatchObject({
      ...{ code: 'invalid', advice: expect.stringContaining(advice) },
    });
  });

  it('in words that are not known is not guessed at', () => {
    expect(findRefusal(422, 'Something new')).toBeUndefined();
  });

  it('of a disabled workflow says to enable it', async () => {
    const error = await refusedBy(
      422,
      "Cannot trigger a 'workflow_dispatch' on a disabled workflow",
    );
    expect(error).toMatchObject({ code: 'disabled', acted: 'no' });
    expect(error.message).toContain('enable the workflow');
  });

  it('of a repository whose Actions are switched off fails no job: the repository waits', async () => {
    const error = await refusedBy(422, 'Actions has been disabled for this repository.');
    expect(error).toMatchObject({ code: 'no-access', acted: 'no' });
    expect(error.message).toContain('allow GitHub Actions');
  });

  it('of an archived repository says so, not that a permission is missing', async () => {
    const error = await refusedBy(403, 'Repository was archived so is read-only.');
    expect(error).toMatchObject({ code: 'archived', acted: 'no' });
    expect(error.message).toContain('unarchive');
    expect(error.message).not.toContain('permission');
  });

  it.each([
    'Resource not accessible by integration',
    'Resource not accessible by personal access token',
    'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.',
    'Must have admin rights to Repository.',
    'Write access to repository not granted.',
    'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.',
    'Although you appear to have the correct authorization credentials, the `acme` organization has enabled OAuth App access restrictions, meaning that data access to third-parties is limited.',
    '`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions.',
    "The 'acme' organization forbids access via a fine-grained personal access tokens if the token's lifetime is greater than 366 days.",
    'Repository access blocked',
    'Actions has been disabled for this user.',
    'Sorry. Your account was suspended.',
    'This installation has been suspended',
  ])('in the words %j is about access to the repository', async (message) => {
    expect(await refusedBy(403, message)).toMatchObject({ code: 'no-access', acted: 'no' });
  });

  it.each([
    'Forbidden',
    'User is not authorized to access this resource',
    'Missing: Resource not accessible by',
  ])('with 403 in the words %j of a gateway says nothing of the repository', async (message) => {
    const error = await refusedBy(403, message);
    expect(error).toMatchObject({ code: 'bad-reply', acted: 'unknown', status: 403 });
    expect(error.message).toContain(message);
    expect(error.message).toContain('github.base_url');
  });

  it('for single sign-on holds the link by which the token is authorised', async () => {
    const link = 'https://github.com/orgs/acme/sso?authorization_request=AZSCKtL4U8yX1H3s';
    const message = 'Resource protected by organization SAML enforcement.';
    const error = await refusedBy(403, message, { 'x-github-sso': `required; url=${link}` });
    expect(error).toMatchObject({ code: 'no-access', acted: 'no' });
    expect(error.message).toContain(link);
    expect(error.message).toContain('github.token');
  });

  it.each(['required; url=javascript:alert(1)', 'required; url=nonsense', 'partial-results'])(
    'for single sign-on takes no link from %j',
    async (header) => {
      const message = 'Resource protected by organization SAML enforcement.';
      const error = await refusedBy(403, message, { 'x-github-sso': header });
      expect(error.message).not.toMatch(/javascript|nonsense|partial/);
      expect(error.message).toContain('single sign-on');
    },
  );

  it.each([
    ['a page of HTML', '<html><body>Forbidden</body></html>'],
    ['nothing', ''],
    ['other JSON', '{"error":"blocked"}'],
  ])(
    'by 403 without words of GitHub’s (%s) takes no access away: a firewall may mind what is in this one request',
    async (_what, body) => {
      const forge = await startAnswering(403, body);
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'bad-reply', acted: 'unknown', status: 403 });
      expect(error.message).toContain('github.base_url');
      expect(error.message).not.toContain('permission');
    },
  );

  it.each([400, 401, 404, 406, 451, 499])(
    'by a page of HTML with %i does not prove that nothing was started: a firewall that inspects answers had two runs made',
    async (status) => {
      const forge = await startAnswering(status, '<html><body>Blocked</body></html>');
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'bad-reply', acted: 'unknown', status });
    },
  );

  it.each([402, 405, 406, 410, 412, 417, 424, 426, 428, 431, 451, 499])(
    'by %i in the words of a gateway fails no job for good: GitHub refuses none so',
    async (status) => {
      const error = await refusedBy(status, 'The gateway is being updated');
      expect(error).toMatchObject({ code: 'bad-reply', acted: 'unknown', status });
    },
  );

  it('by a page with 413 has started nothing: it was too large to be passed on', async () => {
    const forge = await startAnswering(413, '<html><body>Too large</body></html>');
    const error = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(error).toMatchObject({ code: 'invalid-inputs', acted: 'no' });
  });

  it('a read that a page answers with 403 says nothing of the repository, either: nothing is concluded from it', async () => {
    const forge = await startAnswering(403, '<html><body>Forbidden</body></html>');
    const error = await failureOf(forge.getRun('acme', 'app', '1', forever));
    expect(error).toMatchObject({ code: 'bad-reply', status: 403 });
  });

  it('by 403 in GitHub’s words for a missing permission is a lack of access', async () => {
    const error = await refusedBy(403, 'Resource not accessible by personal access token');
    expect(error).toMatchObject({ code: 'no-access', acted: 'no' });
    expect(error.message).toContain('permission');
  });
});
