import { startForgeSim } from '@dispatchoor/forge-sim';
import { ForgeSimClient } from '@dispatchoor/forge-sim/client';
import { fits } from '@dispatchoor/testbed';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadText } from '../../../server/src/config/config.testkit.ts';
import { findListeningUrl, meanDispatchToStartMs, raiseLimits } from '../forge-sim.ts';
import { configFile, secretNames } from './config-file.ts';
import { demoGroups, demoRunners, demoTemplates, OWNER, REPO, WORKFLOW } from './setting.ts';
import { demoWorld } from './world.ts';

const tokens = { dispatch: 'token-a', runners: 'token-b' };

async function startDemoForge() {
  const forge = await startForgeSim();
  onTestFinished(() => forge.close());
  forge.seed(demoWorld(tokens));
  return forge;
}

describe('the configuration of the demo', () => {
  const text = configFile({ forgeUrl: 'http://127.0.0.1:1', port: 9_090, username: 'demo' });
  const env = {
    [secretNames.dispatchToken]: 'secret-a',
    [secretNames.runnersToken]: 'secret-b',
    [secretNames.password]: 'secret-c',
  };

  it('is one that the server takes without a warning', async () => {
    const { config, problems, warnings } = await loadText(text, { env });
    expect({ problems, warnings }).toEqual({ problems: [], warnings: [] });
    expect(config?.groups.map(({ id }) => id)).toEqual(demoGroups.map(({ id }) => id));
    expect(config?.groups.flatMap(({ templates }) => templates)).toHaveLength(demoTemplates.length);
    expect(config?.forges[0]).toMatchObject({ pollIntervalMs: 2_000, dispatchRate: null });
    expect(config?.dispatcher.trackingIntervalMs).toBe(2_000);
    expect(config?.server.listen).toEqual({ host: '127.0.0.1', port: 9_090 });
  });

  it('holds no secret', () => {
    expect(text).not.toContain('secret');
    expect(text).toContain(`\${${secretNames.password}}`);
  });
});

describe('the world of the demo', () => {
  it('is one that forge-sim takes, and that runs the inputs of every template', async () => {
    const forge = await startDemoForge();
    const path = `/repos/${OWNER}/${REPO}/actions/workflows/${WORKFLOW}/dispatches`;
    for (const { inputs } of demoTemplates) {
      const response = await fetch(`${forge.url}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${tokens.dispatch}`,
          accept: 'application/vnd.github+json',
          'content-type': 'application/json',
          'user-agent': 'demo-test',
          'x-github-api-version': '2022-11-28',
        },
        body: JSON.stringify({ ref: 'main', inputs: { ...inputs, 'demo-job': 'a' } }),
      });
      expect(response.status).toBe(204);
    }
    const ledger = await new ForgeSimClient(forge.url).ledger();
    expect(ledger.runs).toHaveLength(demoTemplates.length);
    expect(ledger.runners).toHaveLength(12);
    expect(ledger.runs[0]?.inputs['demo-job']).toBe('a');
  });

  it('has labels that overlap: each runner fits two groups, some all three', () => {
    const groupsOf = demoRunners.map(
      (runner) => demoGroups.filter(({ labels }) => fits(runner, labels)).length,
    );
    expect(new Set(groupsOf)).toEqual(new Set([2, 3]));
  });

  it('takes its mean from dispatch to start from forge-sim’s profile', async () => {
    const forge = await startDemoForge();
    const client = new ForgeSimClient(forge.url);
    expect(await meanDispatchToStartMs(client)).toBe(70 + 1_500);
    await raiseLimits(client, [tokens.dispatch, tokens.runners]);
  });
});

describe('the URL of forge-sim', () => {
  it('is the first in what it prints', () => {
    expect(findListeningUrl('forge-sim listening on http://127.0.0.1:4711')).toBe(
      'http://127.0.0.1:4711',
    );
    expect(findListeningUrl('starting')).toBeUndefined();
  });
});
