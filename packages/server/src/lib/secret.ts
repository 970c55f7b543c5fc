import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A shorter one would be found in innocent words: "admin" is a password in many a demo. */
const SHORTEST_KNOWN = 8;
/** Far beyond any configuration; tokens that are renewed push the oldest out. */
const MOST_KNOWN = 1_000;

const known = new Set<string>();
let listed: readonly string[] | undefined;

/** The values of all secrets made in this process, for `redact` alone. The same array until there is a new one. */
export function listKnownSecrets(): readonly string[] {
  listed ??= [...known];
  return listed;
}

function learn(value: string): void {
  if (value.length < SHORTEST_KNOWN || known.has(value)) return;
  const [oldest] = known;
  if (known.size >= MOST_KNOWN && oldest !== undefined) known.delete(oldest);
  known.add(value);
  listed = undefined;
}

/**
 * A value that must not reach a log line, an API reply or an error text. Every implicit way to turn
 * it into text gives a placeholder; only `reveal()` gives the value, so each use can be searched for.
 * Whoever makes one makes it known to `redact`, so none can be forgotten there.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    learn(value);
  }

  /** The value itself. Call it at the last moment, where it is sent or compared. */
  reveal(): string {
    return this.#value;
  }

  get isEmpty(): boolean {
    return this.#value === '';
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
