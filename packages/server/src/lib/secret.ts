import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * A value that must not reach a log line, an API reply or an error text. Every implicit way to turn
 * it into text gives a placeholder; only `reveal()` gives the value, so each use can be searched for.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
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
