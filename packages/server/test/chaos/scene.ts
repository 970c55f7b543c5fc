import { acme, CORRELATION_INPUT, linuxGroup, template, workflow } from '../harness/scenes.ts';
import type { SiteOptions } from '../processes/site.ts';

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

const groups = {
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
};

/** What piled up during an outage has to be done too, on a busy machine. */
export const giveUpAfterMs = 120_000;

/** Whose template `build` starts runs that bear their attempt's name. */
export function namedScene(
  runnerCount: number,
): Required<Pick<SiteOptions, 'forge' | 'groups' | 'giveUpAfterMs'>> {
  return { forge: acme(runnerCount, { workflows: [named] }), groups, giveUpAfterMs };
}
