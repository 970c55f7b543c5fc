import { ATTEMPT_MOVES } from '../../packages/server/src/domain/attempt.ts';
import { JOB_MOVES } from '../../packages/server/src/domain/job.ts';

interface Move {
  /** `null`: there is no row. */
  readonly from: string | null;
  readonly to: string | null;
  readonly by: string;
}

/** The whole of docs/states.md. */
export function drawStates(): string {
  return `# States

Drawn from the transition tables by \`npx node tools/draw-states.js\`; a test fails when they differ. A change of
state that is not drawn here is never written: the store asks the table before each write.

## A job

The six states are those of the API. How far the sending of a \`triggered\` job has come is told by its attempt.

${diagramOf(JOB_MOVES)}

## An attempt

One sending of a job to a forge. It is written before its first byte leaves, and outlives its job. A reply always beats
a guess: an attempt that was matched with a run, or called absent, can still be accepted.

${diagramOf(ATTEMPT_MOVES)}
`;
}

function diagramOf(moves: readonly Move[]): string {
  const edges = moves.map(
    ({ from, to, by }) => `  ${from ?? '[*]'} --> ${to ?? '[*]'}: ${label(by)}`,
  );
  return ['```mermaid', 'stateDiagram-v2', ...edges, '```'].join('\n');
}

/** Mermaid ends a label at a semicolon and reads a second colon as its own. */
function label(text: string): string {
  return text.replaceAll(': ', ', ').replaceAll(';', ',');
}
