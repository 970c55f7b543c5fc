// Every test of the repository: npm test [-- what vitest takes]. The last line is "N passed, N failed, N skipped", alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { countTests, lineOf } from './test/count-tests.js';

const repositoryDir = resolve(import.meta.dirname, '..');
const reportDir = await mkdtemp(join(tmpdir(), 'dispatchoor-test-'));
const reportFile = join(reportDir, 'report.json');

const reporters = [
  ...['--reporter=default', '--reporter=./tools/test/skip-reason-reporter.js'],
  ...['--reporter=json', `--outputFile.json=${reportFile}`],
];
const given = process.argv.slice(2);
const isNamed = given.some((arg) => /^(-t|--testNamePattern)/.test(arg));
// The project's own Node stands there too, which an older one on the PATH must not shadow.
const path = [resolve(repositoryDir, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
const child = spawn('vitest', ['run', ...reporters, ...given], {
  cwd: repositoryDir,
  env: { ...process.env, PATH: path },
  stdio: 'inherit',
});
/** @type {unknown[]} */
const [exitCode] = await once(child, 'close');

const report = await readFile(reportFile, 'utf8').catch(() => undefined);
await rm(reportDir, { recursive: true });

const counts = countTests(report, exitCode === 0, isNamed);
for (const remark of counts.remarks) console.log(remark);
console.log(lineOf(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;
