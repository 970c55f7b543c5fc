import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { DatabaseName } from './bench.ts';

const DATABASES: Readonly<Record<string, readonly DatabaseName[]>> = {
  sqlite: ['SQLite'],
  postgres: ['PostgreSQL'],
  both: ['SQLite', 'PostgreSQL'],
};
const RESULT = resolve(import.meta.dirname, 'results/latest.json');
const DOCS = resolve(import.meta.dirname, '../docs/performance.md');

export interface Options {
  readonly only: readonly string[];
  readonly databases: readonly DatabaseName[];
  readonly isQuick: boolean;
  readonly isProfiling: boolean;
  readonly seed: number;
  readonly json: string;
  /** The page whose tables are to be replaced. */
  readonly docs: string | undefined;
  /** A folder that stays, with all logs, databases and profiles. */
  readonly keep: string | undefined;
  readonly wantsHelp: boolean;
}

/** Ends the bench with its text alone. */
export class UsageError extends Error {
  override toString(): string {
    return `Error: ${this.message}`;
  }
}

export function usage(rows: readonly string[]): string {
  return `Usage: npm run bench -- [options]
  --only ROW,ROW      of ${rows.join(', ')}
  --database NAME     sqlite, postgres or both                 (both)
  --quick             small sizes, to try the bench itself
  --json FILE         where the figures go                     (bench/results/latest.json)
  --profile           say where the server's time goes (in plan, enqueue, websocket)
  --docs              write the tables into docs/performance.md
  --seed N            the load follows from it                 (1)
  --keep FOLDER       leave databases, logs and profiles in a folder in there
  --help
`;
}

export function parseOptions(argv: readonly string[], rows: readonly string[]): Options {
  const values = parseValues(argv);
  const only = values.only === undefined ? rows : values.only.split(',');
  const unknown = only.find((name) => !rows.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--only: "${unknown}" is not one of ${rows.join(', ')}`);
  }
  const databases = DATABASES[values.database];
  if (databases === undefined) {
    throw new UsageError(`--database: "${values.database}" is not one of sqlite, postgres, both`);
  }
  if (values.docs && (values.only !== undefined || databases.length < 2)) {
    throw new UsageError(
      '--docs writes the tables of a whole run: leave --only and --database out',
    );
  }
  const seed = Number(values.seed);
  if (!/^\d+$/.test(values.seed)) {
    throw new UsageError(`--seed: "${values.seed}" is no whole number`);
  }
  return {
    ...{
      only,
      databases,
      seed,
      isQuick: values.quick,
      isProfiling: values.profile,
      wantsHelp: values.help,
    },
    json: values.json === undefined ? RESULT : resolve(values.json),
    docs: values.docs ? DOCS : undefined,
    keep: values.keep === undefined ? undefined : resolve(values.keep),
  };
}

function parseValues(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        database: { type: 'string', default: 'both' },
        quick: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        json: { type: 'string' },
        docs: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        keep: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
