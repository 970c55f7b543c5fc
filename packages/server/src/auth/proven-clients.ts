/** Each takes some 100 bytes. */
const MOST = 10_000;

/** Who has logged in from where since this process started. Of many, those who did so last. */
export class ProvenClients {
  readonly #keys = new Set<string>();

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > MOST && oldest !== undefined) this.#keys.delete(oldest);
  }
}
