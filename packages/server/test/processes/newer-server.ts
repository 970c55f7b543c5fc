import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { makeLogger } from '../../src/lib/logger.ts';
import { migrations } from '../../src/store/migrate.ts';
import type { Migration } from '../../src/store/migrations/migration.ts';

/**
 * The server of a version that does not exist yet: `newer-server.ts CONFIG KIND...` has one more migration for each
 * kind. An `expand` adds a column that this version never writes, a `contract` after it takes that away again:
 * this version's code runs on both, though it must refuse to start on the second.
 */

const [path, ...kinds] = process.argv.slice(2);
if (path === undefined || !kinds.every(isKind)) throw new Error('CONFIG expand|contract...');

function isKind(kind: string): kind is Migration['kind'] {
  return kind === 'expand' || kind === 'contract';
}

function migrationOf(kind: Migration['kind'], index: number): Migration {
  const number = migrations.length + 1 + index;
  const statement =
    kind === 'expand'
      ? `alter table jobs add column future text not null default ''`
      : 'alter table jobs drop column future';
  return { number, name: `future-${kind}`, kind, statements: [statement] };
}

const logger = makeLogger('debug');
const { config } = await loadConfig({ path, env: {}, fetch });
const app = await startApp(config, {
  logger,
  build: { version: 'newer', gitCommit: '', buildDate: '' },
  migrations: [...migrations, ...kinds.map(migrationOf)],
});
logger.info({ url: app.url }, 'listening');
