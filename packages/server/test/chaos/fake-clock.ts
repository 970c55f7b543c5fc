import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaosContext } from './chaos.ts';

/** A wall clock for processes of ours that can be put back and forth while they run. */
export interface FakeClock {
  /** Of the processes that are to have it. Their monotonic clock stays the machine's. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds off the machine's clock; processes notice within a second or two. */
  set(offsetS: number): Promise<void>;
}

/** `undefined` where libfaketime is not installed. */
export async function findFakeClock({
  onTestFinished,
}: Pick<ChaosContext, 'onTestFinished'>): Promise<FakeClock | undefined> {
  const [library] = globSync('/usr/lib{,64}/{,*/}faketime/libfaketimeMT.so.1');
  if (library === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-clock-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'offset');
  const set = (offsetS: number): Promise<void> =>
    writeFile(file, `${offsetS < 0 ? '' : '+'}${offsetS}\n`);
  await set(0);
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  return { env, set };
}
