// The chaos suite at its full size: npm run test:chaos [-- --only NAME,NAME] [--seed N] [--small]
// Prints the seed first, each scenario's counts as it ends, then a table. The last line is "N passed, N failed, N skipped", alone.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { tableOf } from './test/chaos-table.js';
import { countTests, lineOf } from './test/count-tests.js';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    small: { type: 'boolean', default: false },
  },
});
const names = flags.only?.split(',').map((name) => name.trim().replace(/[^\w:-]/g, '\\$&'));
const only = names === undefined ? [] : ['-t', `^(${names.join('|')})( |$)`];

console.log(`chaos: seed ${flags.seed}`);
const repositoryDir = resolve(import.meta.dirname, '..');
const reportDir = await mkdtemp(join(tmpdir(), 'dispatchoor-chaos-'));
const reportFile = join(reportDir, 'report.json');

const reporters = [
  '--reporter=./tools/test/chaos-reporter.js',
  '--reporter=./tools/test/skip-reason-reporter.js',
  '--reporter=json',
];
const output = [`--outputFile.json=${reportFile}`];
// Most of a scenario is waiting for leases, locks and limits: two at a time still leave each a core.
const lanes = ['--maxWorkers=2'];
// The project's own Node stands there too, which an older one on the PATH must not shadow.
const path = [resolve(repositoryDir, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
const child = spawn(
  'vitest',
  ['run', '--project', 'chaos', ...lanes, ...reporters, ...output, ...only],
  {
    cwd: repositoryDir,
    env: {
      ...process.env,
      PATH: path,
      CHAOS_SIZE: flags.small ? 'small' : 'full',
      CHAOS_SEED: flags.seed,
    },
    stdio: 'inherit',
  },
);
/** @type {unknown[]} */
const [exitCode] = await once(child, 'close');

const report = await readFile(reportFile, 'utf8').catch(() => undefined);
await rm(reportDir, { recursive: true });

if (report !== undefined) console.log(`\n${tableOf(report)}\n`);
const counts = countTests(report, exitCode === 0, names !== undefined);
for (const remark of counts.remarks) console.log(remark);
console.log(lineOf(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;
