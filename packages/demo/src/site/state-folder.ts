import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Ledger } from '@dispatchoor/forge-sim/client';
import { type DemoTokens, demoWorld } from './world.ts';

/**
 * A folder that nothing else is in: a new one, or the one asked for. Throws when that one is not empty: forge-sim
 * forgets its runs when it ends, so the jobs of an earlier demo would be followed for ever.
 */
export async function openStateFolder(wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return mkdtemp(join(tmpdir(), 'dispatchoor-demo-'));
  const folder = resolve(wanted);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [found] = await readdir(folder);
  if (found === undefined) return folder;
  throw new Error(`--state: ${folder} is not empty (${found}); name a new or an empty folder`);
}

/** @returns where world.json is; it holds the tokens, so it is for its owner only */
export async function writeWorld(stateFolder: string, tokens: DemoTokens): Promise<string> {
  const file = join(stateFolder, 'world.json');
  await writeFile(file, `${JSON.stringify(demoWorld(tokens), null, 2)}\n`, { mode: 0o600 });
  return file;
}

export async function writeConfig(stateFolder: string, text: string): Promise<void> {
  await writeFile(join(stateFolder, 'config.yaml'), text, { mode: 0o600 });
}

/** Everything that happened on the forge, for whoever wants to know more than the summary says. */
export async function writeLedger(stateFolder: string, ledger: Ledger): Promise<void> {
  await writeFile(join(stateFolder, 'ledger.json'), JSON.stringify(ledger));
}
