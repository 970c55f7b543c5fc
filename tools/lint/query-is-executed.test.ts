import { join, resolve } from 'node:path';
import { RuleTester } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, it } from 'vitest';
import { queryIsExecuted } from './query-is-executed.js';

const repositoryDir = resolve(import.meta.dirname, '../..');

RuleTester.describe = describe;
RuleTester.it = it;
const tester = new RuleTester({
  languageOptions: {
    parser: tseslint.parser,
    parserOptions: {
      // No such file: the code below is typed against the installed Kysely all the same.
      projectService: { allowDefaultProject: ['*.ts'] },
      tsconfigRootDir: repositoryDir,
    },
  },
});
const filename = join(repositoryDir, 'query.fixture.ts');

const head = `
  import type { Kysely } from 'kysely';
  declare const db: Kysely<{ job: { id: number } }>;
  declare const isNew: boolean;
`;

const kept = [
  'await db.deleteFrom("job").execute();',
  'const query = db.deleteFrom("job"); await query.execute();',
  'export const listJobs = () => db.selectFrom("job").selectAll();',
  'const sql = db.selectFrom("job").selectAll().compile();',
  'isNew && (await db.deleteFrom("job").executeTakeFirst());',
  'console.log(db.selectFrom("job"));',
];
const dropped = [
  'db.deleteFrom("job");',
  'db.insertInto("job").values({ id: 1 });',
  'db.updateTable("job").set({ id: 2 }).where("id", "=", 1).returningAll();',
  'await db.deleteFrom("job");',
  'void db.deleteFrom("job");',
  'isNew && db.deleteFrom("job");',
  'isNew ? db.deleteFrom("job") : undefined;',
  'await db.transaction().execute(async (tx) => { tx.deleteFrom("job"); });',
];

tester.run('a query is executed', queryIsExecuted, {
  valid: kept.map((code) => ({ name: code, filename, code: head + code })),
  invalid: dropped.map((code) => ({
    name: code,
    filename,
    code: head + code,
    errors: [{ messageId: 'dropped' }],
  })),
});
