import { type FromInput, type JobConclusion, type RunConclusion, runConclusions } from './spec.ts';

type Inputs = Readonly<Record<string, string>>;

function isFromInput(value: unknown): value is { fromInput: string } {
  return typeof value === 'object' && value !== null && 'fromInput' in value;
}

/** From an input: `["a","b"]` or `a, b`. */
export function labelsFrom(value: FromInput<string[]>, inputs: Inputs): string[] {
  if (!isFromInput(value)) return [...value];
  const text = (inputs[value.fromInput] ?? '').trim();
  if (text.startsWith('[')) {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.map(String) : [];
  }
  const labels = text.split(',').map((label) => label.trim());
  return labels.filter((label) => label !== '');
}

/** An input that is no number is 0 ms. */
export function durationFrom(value: FromInput<number>, inputs: Inputs): number {
  if (!isFromInput(value)) return value;
  const durationMs = Number(inputs[value.fromInput] ?? 0);
  return Number.isFinite(durationMs) ? Math.max(0, durationMs) : 0;
}

/** An input that names no conclusion is `success`. */
export function runConclusionFrom(value: FromInput<RunConclusion>, inputs: Inputs): RunConclusion {
  if (!isFromInput(value)) return value;
  const text = inputs[value.fromInput];
  return runConclusions.find((conclusion) => conclusion === text) ?? 'success';
}

export function jobConclusionFrom(value: FromInput<JobConclusion>, inputs: Inputs): JobConclusion {
  const conclusion = runConclusionFrom(value, inputs);
  if (conclusion === 'stale' || conclusion === 'startup_failure') return 'failure';
  return conclusion;
}

/** What an expression may name: `inputs.x`, and of the context `github` what is given. */
export interface Contexts {
  readonly inputs: Inputs;
  readonly github?: Readonly<Record<string, string>>;
}

const TERM = String.raw`(?:github\.event\.)?(?:inputs|github)\.[\w-]+`;
const EXPRESSION = new RegExp(String.raw`\$\{\{\s*(${TERM}(?:\s*\|\|\s*${TERM})*)\s*\}\}`, 'g');

/** Fills `${{ inputs.x }}`, `${{ github.x }}` and `${{ inputs.x || inputs.y }}`; what is not known is empty. */
export function fillExpressions(text: string, { inputs, github = {} }: Contexts): string {
  const valueOf = (term: string): string => {
    const [context = '', name = ''] = term.trim().replace('github.event.', '').split('.');
    return (context === 'inputs' ? inputs[name] : github[name]) ?? '';
  };
  return text.replaceAll(EXPRESSION, (_all, terms: string) => {
    return (
      terms
        .split('||')
        .map(valueOf)
        .find((value) => value !== '') ?? ''
    );
  });
}
