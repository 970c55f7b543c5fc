/**
 * The walls: which room of the code may import which. What is not listed is forbidden, whatever way it is written
 * (relative, by package name, `import()`, `export from`, `require`, types too). docs/architecture.md says why.
 *
 * An entry of `mayImport` is one of
 *   'lib'             a room
 *   'types of lib'    a room, by `import type` only
 *   'forge/forge.ts'  one file of a room: its port
 *   'npm'             any npm package; 'npm:zod' only that one
 *   'node'            Node's own modules
 * Tests, testkits and packages/<name>/test are exempt; nobody else may import them.
 *
 * @typedef {object} Room
 * @property {string} at Folder or file, from the root of the repository.
 * @property {readonly string[]} mayImport
 */

const server = 'packages/server/src';
const ports = ['store/port', 'forge/forge.ts', 'provisioner/provisioner.ts'];

/** @type {Readonly<Record<string, Room>>} */
export const walls = {
  lib: { at: `${server}/lib`, mayImport: ['npm', 'node'] },
  domain: { at: `${server}/domain`, mayImport: ['types of lib'] },
  config: { at: `${server}/config`, mayImport: ['npm', 'node', 'domain', 'lib'] },
  // Before the room around it: the first that fits is the one a file is in.
  'store/port': { at: `${server}/store/port`, mayImport: ['types of domain'] },
  store: { at: `${server}/store`, mayImport: ['npm', 'node', 'domain', 'lib', 'store/port'] },
  forge: { at: `${server}/forge`, mayImport: ['npm', 'node', 'types of config', 'domain', 'lib'] },
  provisioner: { at: `${server}/provisioner`, mayImport: ['npm', 'node', 'domain', 'lib'] },
  auth: { at: `${server}/auth`, mayImport: ['npm', 'node', 'domain', 'lib', 'store/port'] },
  metrics: {
    at: `${server}/metrics`,
    mayImport: ['npm', 'node', 'domain', 'lib', 'store/port'],
  },
  loops: {
    at: `${server}/loops`,
    mayImport: ['npm', 'node', 'types of config', 'domain', 'lib', ...ports],
  },
  // Never the loops: a route nudges them by committing.
  http: {
    at: `${server}/http`,
    mayImport: [
      ...['npm', 'node', 'types of config', 'domain', 'auth', 'metrics', 'lib'],
      ...['api-contract', 'store/port'],
    ],
  },
  // The demo is loaded when it is asked for, and starts the server as a process.
  cli: {
    at: `${server}/cli`,
    mayImport: ['npm', 'node', 'app.ts', 'config', 'demo', 'lib', 'server/package.json'],
  },
  // Ports only: app.ts has chosen what is behind them.
  'start-loops.ts': {
    at: `${server}/start-loops.ts`,
    mayImport: [
      ...['types of config', 'types of lib', 'types of metrics'],
      ...['loops', 'store/port', 'forge/forge.ts'],
    ],
  },
  // The composition root: the only file that names implementations.
  'app.ts': {
    at: `${server}/app.ts`,
    mayImport: [
      ...['npm', 'node', 'lib', 'domain', 'config', 'store', 'store/port', 'forge', 'provisioner'],
      ...['auth', 'metrics', 'loops', 'http', 'api-contract', 'server/package.json'],
      'start-loops.ts',
    ],
  },
  'main.ts': { at: `${server}/main.ts`, mayImport: ['npm', 'node', 'cli'] },
  'server/bin': { at: 'packages/server/bin', mayImport: ['node', 'main.ts'] },
  'server/package.json': { at: 'packages/server/package.json', mayImport: [] },
  'api-contract': { at: 'packages/api-contract', mayImport: ['npm:zod'] },
  // The other side: it knows nothing of the server.
  'forge-sim': { at: 'packages/forge-sim', mayImport: ['npm', 'node'] },
  // Beside the server, of which they know what a script knows: its processes and its API.
  testbed: {
    at: 'packages/testbed',
    mayImport: ['npm', 'node', 'api-contract', 'forge-sim/client'],
  },
  demo: {
    at: 'packages/demo',
    mayImport: ['npm', 'node', 'api-contract', 'testbed', 'forge-sim/client'],
  },
  web: { at: 'packages/web', mayImport: ['npm', 'api-contract'] },
  // What tests and bench start their PostgreSQL from.
  'tools/postgres': { at: 'tools/postgres', mayImport: ['npm', 'node'] },
  bench: {
    at: 'bench',
    mayImport: ['npm', 'node', 'api-contract', 'testbed', 'forge-sim/client', 'tools/postgres'],
  },
};

/** Our own packages, by the name others import them by. */
export const workspaces = /** @type {Readonly<Record<string, string>>} */ ({
  dispatchoor: 'packages/server',
  '@dispatchoor/api-contract': 'packages/api-contract',
  '@dispatchoor/demo': 'packages/demo',
  '@dispatchoor/forge-sim': 'packages/forge-sim',
  '@dispatchoor/testbed': 'packages/testbed',
  '@dispatchoor/web': 'packages/web',
});

/** Folders with rooms in them: a file here that is in no room is an error, so that no new folder stands outside the walls. */
export const walled = ['packages', 'bench'];
