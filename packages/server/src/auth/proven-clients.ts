import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Each takes some 200 bytes. */
const MOST = 10_000;

/** Who has logged in from where since this process started, and with what. Of many, those who did so last. */
export class ProvenClients {
  readonly #digests = new Map<string, Buffer>();
  /** Leaves this process as little as the digests do. */
  readonly #secret = randomBytes(32);

  /** Whether this is the password that let this client in the last time; it may be another's or a former one by now. */
  knows(key: string, password: string): boolean {
    const known = this.#digests.get(key);
    return known !== undefined && timingSafeEqual(known, this.#digest(password));
  }

  add(key: string, password: string): void {
    this.#digests.delete(key);
    this.#digests.set(key, this.#digest(password));
    const [oldest] = this.#digests.keys();
    if (this.#digests.size > MOST && oldest !== undefined) this.#digests.delete(oldest);
  }

  /** For a password that lets nobody in any more: it counts as a failure like any other from now on. */
  forget(key: string, password: string): void {
    if (this.knows(key, password)) this.#digests.delete(key);
  }

  #digest(password: string): Buffer {
    return createHmac('sha256', this.#secret).update(password).digest();
  }
}
