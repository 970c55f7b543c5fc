import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { resolve } from 'node:path';
import { now } from '../lib/clock.ts';

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly system: string;
  /** Of the folder with the databases. */
  readonly disk: string;
  /** The machine's load over the last minute when the bench ended: its own, and others'. */
  readonly load: number;
  readonly at: string;
}

/** What the figures depend on. */
export async function machineFacts(): Promise<MachineFacts> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    system: `${type()} ${release()}`,
    disk: await describeDisk(resolve(tmpdir())),
    load: loadavg()[0] ?? 0,
    at: new Date(now()).toISOString(),
  };
}

async function describeDisk(folder: string): Promise<string> {
  const { bsize, blocks } = await statfs(folder);
  const size = `${Math.round((bsize * blocks) / 2 ** 30)} GB`;
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '');
  const holding = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at = '']) => at === '/' || folder === at || folder.startsWith(`${at}/`))
    .sort(([, a = ''], [, b = '']) => b.length - a.length)[0];
  return holding === undefined ? size : `${holding[0] ?? ''} (${holding[2] ?? ''}), ${size}`;
}
