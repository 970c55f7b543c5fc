import type { World as SimWorld } from '@dispatchoor/forge-sim';
import { acme, linuxGroup, template, workflow } from '../harness/scenes.ts';
import { CORRELATION_INPUT } from './judge-job.ts';

/** Its runs bear the attempt that made them in their name: however many answers are lost, none is taken for another. */
const named = workflow({
  file: 'named.yaml',
  runName: `Build \${{ inputs.${CORRELATION_INPUT} }}`,
  inputs: {
    [CORRELATION_INPUT]: { default: '' },
    note: { default: '' },
    'duration-ms': { default: '100' },
  },
  jobs: [{ name: 'build', runsOn: ['linux'], durationMs: { fromInput: 'duration-ms' } }],
});

/** Whose template `build` starts runs that bear their attempt's name. */
export const namedScene = {
  /** What piled up during an outage has to be done too, on a busy machine. */
  giveUpAfterMs: 120_000,
  groups: {
    github: [
      {
        ...linuxGroup,
        workflow_dispatch_templates: [
          template({
            id: 'build',
            workflow_id: 'named.yaml',
            correlation_input: CORRELATION_INPUT,
          }),
        ],
      },
    ],
  },
  forge: (runnerCount: number): SimWorld => acme(runnerCount, { workflows: [named] }),
};
