import { readFileSync } from 'node:fs';
import type { World } from '../world/spec.ts';
import { UsageError } from './options.ts';

const sampleWorld: World = {
  owners: [{ login: 'acme', type: 'Organization' }],
  tokens: [{ token: 'forge-sim-token', login: 'acme-bot' }],
  repos: [{ owner: 'acme', name: 'demo' }],
  workflows: [
    {
      owner: 'acme',
      repo: 'demo',
      file: 'build.yml',
      name: 'Build',
      runName: 'Build ${{ inputs.dispatch_id }}',
      inputs: {
        duration_ms: { type: 'string', default: '10000' },
        dispatch_id: { type: 'string', default: '' },
      },
      jobs: [
        {
          name: 'build',
          runsOn: ['self-hosted', 'linux'],
          durationMs: { fromInput: 'duration_ms' },
        },
      ],
    },
  ],
  runners: [
    { scope: 'org:acme', name: 'runner-1', labels: ['self-hosted', 'linux', 'x64'] },
    { scope: 'org:acme', name: 'runner-2', labels: ['self-hosted', 'linux', 'x64'] },
  ],
};

/** The world that `--world` names; its shape is checked when it is put into the forge. */
export function readWorld(nameOrFile: string | undefined): World {
  if (nameOrFile === undefined) return {};
  if (nameOrFile === 'sample') return sampleWorld;
  try {
    return JSON.parse(readFileSync(nameOrFile, 'utf8')) as World;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--world: ${nameOrFile}: ${reason}`);
  }
}
