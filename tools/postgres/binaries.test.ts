import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { ensurePostgresBinaries } from './binaries.ts';

const run = promisify(execFile);

it('on a machine that has no copy yet, initdb and postgres find their libraries', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dispatchoor-binaries-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await chmod(dir, 0o755);
  // Two at once, as tests and bench may be.
  const [binaries] = await Promise.all([ensurePostgresBinaries(dir), ensurePostgresBinaries(dir)]);
  for (const program of [binaries.initdb, binaries.postgres]) {
    const { stdout } = await run(program, ['--version'], { cwd: dir, ...binaries.runAs });
    expect(stdout).toContain('PostgreSQL');
  }
});
