import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RuleTester } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { findRoom, importsKeepWalls } from './imports-keep-walls.js';
import { walls, workspaces } from './walls.js';

const repositoryDir = resolve(import.meta.dirname, '../..');

RuleTester.describe = describe;
RuleTester.it = it;
const tester = new RuleTester({ languageOptions: { parser: tseslint.parser } });

const inServer = (path: string) => join(repositoryDir, 'packages/server/src', path);
const domain = inServer('domain/job.ts');
const http = inServer('http/routes/jobs.ts');
const loop = inServer('loops/dispatch.ts');
const store = inServer('store/jobs.ts');
const lib = inServer('lib/retry.ts');
const sim = join(repositoryDir, 'packages/forge-sim/src/server.ts');
const contract = join(repositoryDir, 'packages/api-contract/src/index.ts');

function allowed(name: string, filename: string, code: string) {
  return { name, filename, code };
}

function refused(
  name: string,
  filename: string,
  code: string,
  messageId: string,
  message?: RegExp,
) {
  return { name, filename, code, errors: [message ? { message } : { messageId }] };
}

tester.run('imports keep the walls', importsKeepWalls, {
  valid: [
    allowed('a room imports itself', store, "import { x } from './dialect/sqlite.ts'"),
    allowed('a listed room', http, "import { decide } from '../../domain/job.ts'"),
    allowed('npm and node: where listed', lib, "import 'pino'; import 'node:crypto'; import 'fs'"),
    allowed('types of lib in domain', domain, "import type { Clock } from '../lib/clock.ts'"),
    allowed('types by export type', domain, "export type { Clock } from '../lib/clock.ts'"),
    allowed('types by import()', domain, "type C = import('../lib/clock.ts').Clock"),
    allowed('a port file', loop, "import type { Store } from '../store/port/store.ts'"),
    allowed('a port file from deeper', http, "import { x } from '../../store/port/store.ts'"),
    allowed('a room inside another', loop, "import type { X } from '../store/port/jobs.ts'"),
    allowed('a workspace by name', http, "import { jobSchema } from '@dispatchoor/api-contract'"),
    allowed('zod in the contract', contract, "import { z } from 'zod/v4'"),
    allowed('a test is exempt', inServer('domain/job.test.ts'), "import '../store/jobs.ts'"),
    allowed('a testkit is exempt', inServer('forge/x.testkit.ts'), "import '../store/jobs.ts'"),
    allowed(
      "a package's test folder is exempt",
      join(repositoryDir, 'packages/server/test/path.test.ts'),
      "import { sim } from '@dispatchoor/forge-sim'",
    ),
    allowed('outside the rooms', join(repositoryDir, 'tools/x.ts'), "import 'vitest'"),
    allowed('an export of its own', domain, 'const x = 1; export { x }'),
  ],
  invalid: [
    refused('relative', http, "import { x } from '../../loops/dispatch.ts'", 'notListed'),
    refused('a detour', loop, "import { x } from './../loops/../http/errors.ts'", 'notListed'),
    refused('./../store/x', inServer('forge/forge.ts'), "import './../store/jobs.ts'", 'notListed'),
    refused('types too', loop, "import type { Row } from '../http/errors.ts'", 'notListed'),
    refused('past the port', loop, "import { x } from '../store/jobs.ts'", 'onlyFile'),
    refused('past the port by type', loop, "import type { X } from '../store/jobs.ts'", 'onlyFile'),
    refused(
      'from inside a room out to it',
      inServer('store/port/jobs.ts'),
      "import type { X } from '../jobs.ts'",
      'notListed',
    ),
    refused('dynamic import', store, "await import('../forge/forge.ts')", 'notListed'),
    refused('dynamic by template', store, 'await import(`../forge/forge.ts`)', 'notListed'),
    refused('computed', store, 'await import(name)', 'notLiteral'),
    refused('export from', store, "export { x } from '../config/config.ts'", 'notListed'),
    refused('export star', store, "export * from '../config/config.ts'", 'notListed'),
    refused('require', store, "require('../config/config.ts')", 'notListed'),
    refused('import require', store, "import x = require('../config/config.ts')", 'notListed'),
    refused('a type by import()', store, "type C = import('../config/config.ts').C", 'notListed'),
    refused('a package in domain', domain, "import { z } from 'zod'", 'notListed'),
    refused('node: in domain', domain, "import { join } from 'node:path'", 'notListed'),
    refused('node without node:', domain, "import { join } from 'path'", 'notListed'),
    refused('values of lib in domain', domain, "import { x } from '../lib/clock.ts'", 'typesOnly'),
    refused('an inline type', domain, "import { type X } from '../lib/clock.ts'", 'typesOnly'),
    refused('lib from domain', lib, "import type { Job } from '../domain/job.ts'", 'notListed'),
    refused('another package', contract, "import fastify from 'fastify'", 'notListed'),
    refused('cross-package path', sim, "import '../../server/src/lib/clock.ts'", 'notListed'),
    refused('cross-package name', sim, "import 'dispatchoor/src/lib/clock.ts'", 'notListed'),
    refused('the whole server', sim, "import 'dispatchoor'", 'notListed'),
    refused('the contract in forge-sim', sim, "import '@dispatchoor/api-contract'", 'notListed'),
    refused(
      'forge-sim in the cli',
      inServer('cli/demo-command.ts'),
      "import '@dispatchoor/forge-sim'",
      'notListed',
    ),
    refused('forge-sim by path', store, "import '../../../forge-sim/src/index.ts'", 'notListed'),
    refused('a query after the path', store, "import '../forge/forge.ts?raw'", 'notListed'),
    refused(
      'into node_modules',
      domain,
      "import '../../../../node_modules/zod/index.js'",
      'notListed',
    ),
    refused('a testkit', store, "import './postgres.testkit.ts'", 'testCode'),
    refused(
      'a folder that is in no room',
      inServer('helpers/x.ts'),
      'export const x = 1',
      'noRoom',
    ),
    refused(
      'saying both rooms and where the table is',
      http,
      "import { runDispatch } from '../../loops/dispatch.ts'",
      'notListed',
      /"http" may not import "loops" \(packages\/server\/src\/loops\/dispatch\.ts\).*tools\/lint\/walls\.js/,
    ),
  ],
});

describe('the table of the walls', () => {
  it('has a room for every file and folder of the server', () => {
    const homeless = readdirSync(inServer('.'), { withFileTypes: true })
      .filter((entry) => !/\.(test|testkit)\.ts$/.test(entry.name))
      .map((entry) => `packages/server/src/${entry.name}`)
      .filter((path) => findRoom(path) === undefined);
    expect(homeless).toEqual([]);
  });

  it('has a room for every package, under the name its package.json gives', () => {
    for (const folder of readdirSync(join(repositoryDir, 'packages'))) {
      expect(Object.values(workspaces)).toContain(`packages/${folder}`);
      expect(findRoom(`packages/${folder}/src/main.ts`), folder).toBeDefined();
    }
  });

  it('names only rooms that it has', () => {
    const entries = Object.values(walls).flatMap((room) => room.mayImport);
    const rooms = entries
      .filter((entry) => !/^(npm|node)\b/.test(entry))
      .map((entry) => entry.replace(/^types of /, ''));
    const unknown = rooms.filter((entry) => !(entry in walls) && !(entry.split('/')[0]! in walls));
    expect(unknown).toEqual([]);
  });
});
