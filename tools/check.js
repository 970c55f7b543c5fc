// What a contributor runs: npm run check [-- --fix] [-- --no-tests]. Exit code 1 when a step fails.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { delimiter, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const repositoryDir = resolve(import.meta.dirname, '..');

const { values: flags } = parseArgs({
  options: {
    fix: { type: 'boolean', default: false },
    'no-tests': { type: 'boolean', default: false },
  },
});

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} command Of node_modules/.bin, with its arguments.
 */

const eslint = ['eslint', '.', '--max-warnings', '0'];

// Biome colours its output for CI even where nobody can see it.
const colors = `--colors=${process.stdout.isTTY ? 'force' : 'off'}`;

/** @type {Step[]} */
const repairs = [
  { name: 'repair format', command: ['biome', 'check', '--write'] },
  { name: 'repair lint', command: [...eslint, '--fix'] },
];

/** Longest first, so that the last one to end is short. @type {Step[]} */
const checks = [
  { name: 'lint', command: eslint },
  { name: 'types', command: ['tsc', '--noEmit', '-p', '.'] },
  { name: 'tests', command: ['vitest', 'run', '--project', 'unit', '--reporter', 'agent'] },
  { name: 'unused', command: ['knip', '--no-progress'] },
  { name: 'format, circles', command: ['biome', 'ci', '--error-on-warnings', colors] },
];

/**
 * Runs one step and prints one line on it; what it said only when it failed.
 *
 * @param {Step} step
 * @returns {Promise<boolean>} Whether it is fine.
 */
async function runStep({ name, command }) {
  const startedAt = performance.now();
  const { isOk, output } = await runCommand(command);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${isOk ? 'ok    ' : 'FAILED'}  ${name.padEnd(15)} ${seconds.padStart(6)} s`);
  if (!isOk) console.log(`\n$ npx ${command.join(' ')}\n${output.trim()}\n`);
  return isOk;
}

/**
 * @param {string[]} command
 * @returns {Promise<{ isOk: boolean, output: string }>}
 */
function runCommand([program = '', ...args]) {
  // The project's own Node stands there too, which an older one on the PATH must not shadow.
  const path = [resolve(repositoryDir, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: repositoryDir,
      env: { ...process.env, PATH: path, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.once('error', (error) => done({ isOk: false, output: error.message }));
    child.once('close', (code) => done({ isOk: code === 0, output }));
  });
}

/**
 * @param {Step[]} steps
 * @param {number} lanes How many run at once.
 * @returns {Promise<boolean>}
 */
async function runAll(steps, lanes) {
  const waiting = [...steps];
  let areOk = true;
  async function work() {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      if (!(await runStep(step))) areOk = false;
    }
  }
  await Promise.all(Array.from({ length: lanes }, work));
  return areOk;
}

// Repairs write files, one after the other; what they could not mend, the checks below report.
if (flags.fix) await runAll(repairs, 1);
const wanted = checks.filter((step) => step.name !== 'tests' || !flags['no-tests']);
const isOk = await runAll(wanted, availableParallelism());
process.exitCode = isOk ? 0 : 1;
