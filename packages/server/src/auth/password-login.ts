import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { User, UserStore } from '../store/port/users.ts';
import { FailedLogins } from './failed-logins.ts';
import { HashLine } from './hash-line.ts';
import { LoginRefusal } from './login-refusal.ts';
import { argon2id, type Passwords } from './passwords.ts';
import { ProvenClients } from './proven-clients.ts';

export interface LoginAttempt {
  readonly username: string;
  readonly password: string;
  /** What its client is counted by, such as an address. */
  readonly client: string;
  /** Aborted once nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface PasswordLoginDeps {
  readonly users: Pick<UserStore, 'findBasicUser'>;
  readonly clock: Clock;
  readonly isBasicEnabled: boolean;
  /** Of one user from one address, once the first ten are used up. */
  readonly failedLoginsPerMinute: number;
  /** @default argon2id */
  readonly passwords?: Passwords;
}

/** Who has this name and password, if anybody. Its flood is refused here, before it costs hashes. */
export class PasswordLogin {
  readonly #deps: PasswordLoginDeps;
  readonly #passwords: Passwords;
  readonly #failures: FailedLogins;
  readonly #proven = new ProvenClients();
  readonly #line = new HashLine();
  /** What unknown users are checked against, so that their refusal takes as long. Made while the rest starts. */
  readonly #nobodysHash: Promise<string>;

  constructor(deps: PasswordLoginDeps) {
    this.#deps = deps;
    this.#passwords = deps.passwords ?? argon2id;
    this.#failures = new FailedLogins(deps.clock, deps.failedLoginsPerMinute);
    this.#nobodysHash = this.#passwords.hash(randomBytes(32).toString('hex'));
    // Who logs in is told.
    this.#nobodysHash.catch(() => undefined);
  }

  /** Rejects with a `LoginRefusal`; see `Auth.login`. */
  async findUser(attempt: LoginAttempt): Promise<User | undefined> {
    // By both: behind a proxy all people have one address, and one name may be tried from many.
    const key = JSON.stringify([attempt.client, attempt.username]);
    // Others who fail under the same name and address do not keep out who got in with this password before.
    if (this.#proven.knows(key, attempt.password)) return this.#takePlace(key, attempt);
    const { mayTry, waitMs } = this.#failures.takeTurn(key);
    if (!mayTry) throw new LoginRefusal('too-many-failures', waitMs);
    let hasFailed = false;
    try {
      if (waitMs > 0) await this.#deps.clock.sleep(waitMs, attempt.signal);
      const user = await this.#takePlace(key, attempt);
      hasFailed = user === undefined;
      if (hasFailed && waitMs > 0) throw new LoginRefusal('too-many-failures', waitMs);
      return user;
    } finally {
      if (!hasFailed) this.#failures.giveBack(key);
    }
  }

  async #takePlace(key: string, attempt: LoginAttempt): Promise<User | undefined> {
    // Not who guesses under the same name and address.
    const isProven = this.#proven.knows(key, attempt.password);
    const client = isProven ? key : attempt.client;
    const place = { client, who: key, isProven, signal: attempt.signal };
    const user = await this.#line.run(() => this.#check(attempt), place);
    if (user !== undefined) this.#proven.add(key, attempt.password);
    else this.#proven.forget(key, attempt.password);
    return user;
  }

  async #check({ username, password }: LoginAttempt): Promise<User | undefined> {
    const { users, isBasicEnabled } = this.#deps;
    const known = isBasicEnabled ? await users.findBasicUser(username) : undefined;
    const passwordHash = known?.passwordHash ?? (await this.#nobodysHash);
    const fits = await this.#passwords.fits(passwordHash, password);
    if (known === undefined || !fits) return undefined;
    const { passwordHash: _, ...user } = known;
    return user;
  }
}
