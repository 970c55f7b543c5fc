import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ForgeSimClient,
  forgeSimProgram,
  meanDispatchToStartMs as meanOf,
} from '@dispatchoor/forge-sim/client';
import type { ChildOptions, Environment } from '@dispatchoor/testbed';

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
  readonly env: Environment;
  readonly seed: number;
}

/** How forge-sim is started. */
export function forgeSimProcess({
  stateFolder,
  worldFile,
  env,
  seed,
}: ForgeSimFiles): ChildOptions {
  const args = ['--port', '0', '--profile', PROFILE, '--seed', String(seed), '--world', worldFile];
  return {
    name: 'forge-sim',
    args: [fileURLToPath(forgeSimProgram), ...args],
    cwd: stateFolder,
    env,
    logFile: join(stateFolder, 'forge-sim.log'),
  };
}

/** The first line that names a URL says where it listens. */
export function findListeningUrl(line: string): string | undefined {
  return /https?:\/\/[^\s"',]+/.exec(line)?.[0]?.replace(/\/$/, '');
}

export async function meanDispatchToStartMs(forge: ForgeSimClient): Promise<number> {
  return meanOf(await forge.profile(PROFILE));
}

export async function raiseLimits(forge: ForgeSimClient, tokens: readonly string[]): Promise<void> {
  await forge.control('PUT', '/limits/secondary', { contentPerHour: LIMITS.contentPerHour });
  await forge.setHourlyLimit(tokens, LIMITS.perHour);
}
