import type { Logger } from '../../../lib/logger.ts';

/** Who wants to know of commits. A listener that throws stops neither the others nor the commit that woke it. */
export class CommitListeners {
  readonly #listeners = new Set<{ readonly call: () => void }>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(call: () => void): () => void {
    const listener = { call };
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  wake(): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener.call();
      } catch (err) {
        this.#logger.error({ err }, 'commit listener failed');
      }
    }
  }
}
