import type { InputSpec } from '../world/spec.ts';
import { RestError } from './rest.ts';

type Declared = Readonly<Record<string, InputSpec>>;

/** The inputs of the run: what was sent, as text, and the defaults. Refuses in GitHub's words. */
export function fillInputs(
  declared: Declared,
  sent: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const unexpected = Object.keys(sent).filter((name) => declared[name] === undefined);
  if (unexpected.length > 0) {
    throw new RestError(422, `Unexpected inputs provided: ${JSON.stringify(unexpected)}`);
  }
  const filled: Record<string, string> = {};
  for (const [name, spec] of Object.entries(declared)) {
    filled[name] = inputValue(name, spec, sent[name]);
  }
  return filled;
}

function inputValue(name: string, spec: InputSpec, sent: unknown): string {
  const text = textOf(name, sent);
  if (text === undefined || text === '') {
    if (spec.default === undefined && spec.required === true) {
      throw new RestError(422, `Required input '${name}' not provided`);
    }
    return text ?? spec.default ?? '';
  }
  if (spec.type === 'choice' && !(spec.options ?? []).includes(text)) {
    const problem = 'not in the list of allowed values';
    throw new RestError(422, `Provided value '${text}' for input '${name}' ${problem}`);
  }
  if (spec.type === 'boolean' && text !== 'true' && text !== 'false') {
    throw new RestError(422, `Provided value '${text}' for input '${name}' is not a boolean`);
  }
  return text;
}

function textOf(name: string, sent: unknown): string | undefined {
  if (sent === undefined || sent === null) return undefined;
  if (typeof sent === 'string') return sent;
  if (typeof sent === 'number' || typeof sent === 'boolean') return String(sent);
  throw new RestError(422, `Invalid request.\n\nFor 'inputs/${name}', the value is not a string.`);
}
