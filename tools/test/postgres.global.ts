import type { TestProject } from 'vitest/node';
import {
  type PostgresServer,
  startPostgres,
} from '../../packages/server/src/store/postgres.testkit.ts';

/**
 * One PostgreSQL for all projects of a run that ask for it. Each project loads its own copy of this module, so
 * the server hangs on the process.
 */
const shared = globalThis as {
  dispatchoorTestPostgres?: { readonly server: Promise<PostgresServer>; users: number };
};

export async function setup(project: TestProject): Promise<void> {
  shared.dispatchoorTestPostgres ??= { server: startPostgres(), users: 0 };
  shared.dispatchoorTestPostgres.users += 1;
  const { socketDir, port, user } = await shared.dispatchoorTestPostgres.server;
  project.provide('postgres', { socketDir, port, user });
}

export async function teardown(): Promise<void> {
  const mine = shared.dispatchoorTestPostgres;
  if (!mine) return;
  mine.users -= 1;
  if (mine.users > 0) return;
  delete shared.dispatchoorTestPostgres;
  const server = await mine.server;
  await server.stop();
}
