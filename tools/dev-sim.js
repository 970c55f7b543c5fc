// npm run dev:sim [-- --port N] [-- --jobs N]: the server on a simulated GitHub with a queue, restarted on each change of its code.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { forgeSimProgram } from '@dispatchoor/forge-sim/client';
import { Child, ownEnvironment, ServerAway, ServerClient, systemClock } from '@dispatchoor/testbed';

const READY_WITHIN_MS = 60_000;
const login = { username: 'admin', password: 'admin' };
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9090' },
    jobs: { type: 'string', default: '12' },
  },
});
const url = `http://127.0.0.1:${values.port}`;
const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-dev-'));
const program = resolve(import.meta.dirname, '../packages/server/bin/dispatchoor.js');

/** @type {Child[]} */
const children = [];
const sim = await startForgeSim();
await writeFile(join(folder, 'config.yaml'), JSON.stringify(configOn(sim)), { mode: 0o600 });
start({
  name: 'server',
  // Node watches what it has loaded, and starts it again when that changes.
  args: ['--watch', '--watch-preserve-output', program, 'server', '--config', 'config.yaml'],
  onLine: (line) => console.log(line),
});
await fillQueue();
console.log(`\n${url}  login admin / admin   forge ${sim}   state and logs in ${folder}\n`);

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    endAll().catch((/** @type {unknown} */ error) => console.error(error));
  });
}

/** The server first: it finishes what it is sending. */
async function endAll() {
  for (const child of children.toReversed()) await child.stop();
}

/** @param {Pick<import('@dispatchoor/testbed').ChildOptions, 'name' | 'args' | 'onLine'>} options */
function start(options) {
  const logFile = join(folder, `${options.name}.log`);
  const child = new Child({ ...options, cwd: folder, logFile, env: ownEnvironment() });
  children.push(child);
  return child;
}

/** @returns {Promise<string>} where it listens */
function startForgeSim() {
  return new Promise((found, reject) => {
    const args = [fileURLToPath(forgeSimProgram), '--port', '0', '--profile', 'github'];
    const child = start({
      name: 'forge-sim',
      args: [...args, '--world', 'sample'],
      onLine: (line) => {
        const where = /listening on (http:\S+)/.exec(line)?.[1];
        if (where !== undefined) found(where);
      },
    });
    child.exited.then(() => reject(new Error(child.lastLines.join('\n'))), reject);
  });
}

/** @param {string} forgeUrl */
function configOn(forgeUrl) {
  const template = {
    ...{ id: 'build', owner: 'acme', repo: 'demo', workflow_id: 'build.yml', ref: 'main' },
    ...{ correlation_input: 'dispatch_id', inputs: { duration_ms: '20000' } },
  };
  return {
    server: { listen: `127.0.0.1:${values.port}` },
    github: { base_url: forgeUrl, token: 'forge-sim-token', poll_interval: '5s' },
    auth: { basic: { enabled: true, users: [{ ...login, role: 'admin' }] } },
    groups: {
      github: [
        {
          ...{ id: 'demo', name: 'Demo', runner_labels: ['self-hosted', 'linux'] },
          workflow_dispatch_templates: [template],
        },
      ],
    },
  };
}

async function fillQueue() {
  const server = new ServerClient(url, login);
  const giveUpAt = systemClock.monotonic() + READY_WITHIN_MS;
  while (!(await server.isReady())) {
    if (systemClock.monotonic() > giveUpAt) throw new ServerAway(`${url} does not answer`);
    await systemClock.sleep(100);
  }
  for (let added = 0; added < Number(values.jobs); added += 1) {
    await server.addJob('demo', { template_id: 'build' });
  }
  await server.close();
}
