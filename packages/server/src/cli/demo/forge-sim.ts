import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { ChildOptions } from './child.ts';
import { ForgeProfile, Ledger, meanDispatchToStartMs } from './ledger.ts';

const PROFILE = 'github';

/**
 * What the demo asks for in an hour: more than a personal token has, as much as an App on GitHub Enterprise Cloud.
 * GitHub does not say whether a dispatch counts as content that is created (500 an hour); here it must not, or a
 * demo that runs for ten minutes would show a rate limit and nothing else.
 */
const LIMITS = { perHour: 15_000, contentPerHour: 15_000 };

export interface ForgeSimFiles {
  readonly stateFolder: string;
  readonly worldFile: string;
  readonly env: ChildOptions['env'];
  readonly seed: number;
}

/** How forge-sim is started. Throws where it is not installed: published packages come without it. */
export function forgeSimProcess({
  stateFolder,
  worldFile,
  env,
  seed,
}: ForgeSimFiles): ChildOptions {
  const args = ['--port', '0', '--profile', PROFILE, '--seed', String(seed), '--world', worldFile];
  return {
    name: 'forge-sim',
    args: [findForgeSim(), ...args],
    cwd: stateFolder,
    env,
    logFile: join(stateFolder, 'forge-sim.log'),
  };
}

function findForgeSim(): string {
  try {
    const index = import.meta.resolve('@dispatchoor/forge-sim');
    return fileURLToPath(new URL('../bin/forge-sim.js', index));
  } catch {
    throw new Error(
      'the demo needs forge-sim, the simulated GitHub, which comes with the repository only: clone it, run "npm ci", then "npm run demo"',
    );
  }
}

/** The first line that names a URL says where it listens. */
export function findListeningUrl(line: string): string | undefined {
  return /https?:\/\/[^\s"',]+/.exec(line)?.[0]?.replace(/\/$/, '');
}

/** The part of forge-sim's control interface (`/_sim/`) that the demo uses. */
export class ForgeSimControl {
  readonly #url: string;

  constructor(url: string) {
    this.#url = `${url}/_sim`;
  }

  /** `whole` has also what `Ledger` does not name. */
  async ledger(): Promise<{ ledger: Ledger; whole: unknown }> {
    const whole = await this.#call('GET', '/ledger');
    return { ledger: Ledger.parse(whole), whole };
  }

  async dispatchToStartMs(): Promise<number> {
    const profiles = z.record(z.string(), z.unknown()).parse(await this.#call('GET', '/profiles'));
    return meanDispatchToStartMs(ForgeProfile.parse(profiles[PROFILE]));
  }

  async raiseLimits(tokens: readonly string[]): Promise<void> {
    await this.#call('PUT', '/limits/secondary', { contentPerHour: LIMITS.contentPerHour });
    for (const token of tokens) {
      const limit = LIMITS.perHour;
      await this.#call('PUT', '/limits/primary', { token, limit, remaining: limit });
    }
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`forge-sim: ${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
