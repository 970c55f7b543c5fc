import { type DatabaseConfig, type SslMode, sslModes } from '../config.ts';
import type { Cursor } from '../cursor.ts';
import { type Section, section } from '../decode.ts';
import { duration, integer, quoteAt, secret, text } from '../scalars.ts';
import { takeSecret } from './secrets.ts';

const postgresFields = {
  host: text(),
  port: integer({ fallback: 5432, min: 1, max: 65_535 }),
  user: text(),
  password: secret(),
  database: text(),
  sslmode: text('disable'),
  // One that reads, one that writes, one that listens.
  max_connections: integer({ fallback: 25, min: 3, max: 1_000 }),
  connect_timeout: duration({ fallback: '5s', min: '100ms', max: '60s' }),
  // Below the minute after which a request is answered in any case.
  wait_timeout: duration({ fallback: '10s', min: '100ms', max: '50s' }),
  read_timeout: duration({ fallback: '10s', min: '1s', max: '50s' }),
  write_timeout: duration({ fallback: '6s', min: '1s', max: '50s' }),
  listen_host: text(),
  listen_port: integer({ fallback: 5432, min: 1, max: 65_535 }),
};

export const databaseFields = {
  driver: text('sqlite'),
  sqlite: section({ path: text('./dispatchoor.db') }),
  postgres: section(postgresFields),
};

export function buildDatabase({ values, at }: Section<typeof databaseFields>): DatabaseConfig {
  const isPostgres = values.driver === 'postgres';
  (isPostgres ? at.sqlite : at.postgres).forgetUnset();
  const postgres = buildPostgres(values.postgres, isPostgres);
  if (isPostgres) return postgres;
  if (values.driver !== 'sqlite')
    at.driver.problem(`${quoteAt(at.driver)} is no driver; write sqlite or postgres`);
  return { driver: 'sqlite', path: values.sqlite.values.path };
}

function buildPostgres(
  { values, at }: Section<typeof postgresFields>,
  isInUse: boolean,
): Extract<DatabaseConfig, { driver: 'postgres' }> {
  if (isInUse && values.host === '') {
    at.host.problem('is missing; write the name of the PostgreSQL server, such as localhost');
  }
  if (isInUse && values.database === '') {
    at.database.problem('is missing; write the name of the database, such as dispatchoor');
  }
  return {
    driver: 'postgres',
    host: values.host,
    port: values.port,
    user: values.user,
    password: takeSecret(values.password, at.password, isInUse),
    database: values.database,
    sslmode: isInUse ? checkSslMode(values.sslmode, at.sslmode) : 'disable',
    maxConnections: values.max_connections,
    connectTimeoutMs: values.connect_timeout,
    waitTimeoutMs: values.wait_timeout,
    readTimeoutMs: values.read_timeout,
    writeTimeoutMs: values.write_timeout,
    listenHost: values.listen_host,
    listenPort: values.listen_port,
  };
}

function checkSslMode(value: string, at: Cursor): SslMode {
  const mode = sslModes.find((each) => each === value);
  if (mode === undefined)
    at.problem(`${quoteAt(at)} is no sslmode; write one of ${sslModes.join(', ')}`);
  return mode ?? 'disable';
}
