import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { now } from './lib/clock.ts';

const ROW_BYTES = 500;

/** How many transactions of one row the disk takes a second, one after the other, each forced to it as the server's are. */
export function rawCommitRate(folder: string, forMs: number): number {
  const database = new DatabaseSync(join(folder, 'commits.db'));
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = full');
    database.exec('create table rows (id integer primary key, data text not null)');
    const insert = database.prepare('insert into rows (data) values (?)');
    const data = 'x'.repeat(ROW_BYTES);
    const startedAt = now();
    let commits = 0;
    while (now() - startedAt < forMs) {
      // Outside an explicit transaction each statement is one.
      insert.run(data);
      commits += 1;
    }
    return (commits / (now() - startedAt)) * 1_000;
  } finally {
    database.close();
  }
}
