/** For programs beside forge-sim: its control interface (`/_sim/`), without the simulation itself. */
import type { Ledger } from './ledger/entries.ts';
import type { Profile, ProfileName } from './profiles.ts';

export type {
  Ledger,
  LedgerDelivery,
  LedgerJob,
  LedgerRequest,
  LedgerRun,
  LedgerRunner,
} from './ledger/entries.ts';
export type { Profile, ProfileName } from './profiles.ts';
export { Random } from './random.ts';

/** forge-sim itself, to be started by Node; a file URL. */
export const forgeSimProgram = import.meta.resolve('../bin/forge-sim.js');

/** Every method rejects when forge-sim does not answer, or not with 2xx; the message has what it said. */
export class ForgeSimClient {
  readonly #url: string;

  /** @param url where forge-sim listens */
  constructor(url: string) {
    this.#url = `${url}/_sim`;
  }

  async ledger(): Promise<Ledger> {
    return (await this.control('GET', '/ledger')) as Ledger;
  }

  /** Epoch ms, whole, on the forge's clock. */
  async now(): Promise<number> {
    const { now } = (await this.control('GET', '/clock')) as { readonly now: number };
    return now;
  }

  async profile(name: ProfileName): Promise<Profile> {
    const profiles = (await this.control('GET', '/profiles')) as Record<ProfileName, Profile>;
    return profiles[name];
  }

  /** So many requests of each token an hour, none of them used yet. */
  async setHourlyLimit(tokens: readonly string[], limit: number): Promise<void> {
    for (const token of tokens) {
      await this.control('PUT', '/limits/primary', { token, limit, remaining: limit });
    }
  }

  async control(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`forge-sim: ${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

/**
 * From a dispatch's arrival to the start of its workflow job on a free runner, on average: half of a reply (the forge acts half-way
 * through it) and a pickup.
 */
export function meanDispatchToStartMs({
  replyMs,
  pickupMs,
}: Pick<Profile, 'replyMs' | 'pickupMs'>): number {
  return (replyMs[0] + replyMs[1]) / 4 + (pickupMs[0] + pickupMs[1]) / 2;
}
