import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Postgres } from './processes/postgres.ts';
import type { ProbedChild } from './processes/probed-child.ts';
import type { Figure, Skipped } from './report/figure.ts';
import { topFunctions } from './report/profile.ts';
import type { Growth, ProfileResult } from './report/result.ts';
import type { DatabaseSection } from './setting.ts';

const TOP_FUNCTIONS = 15;

export type DatabaseName = 'SQLite' | 'PostgreSQL';

export interface BenchOptions {
  /** Everything the run leaves while it runs: databases, logs, profiles. */
  readonly folder: string;
  readonly seed: number;
  /** Small sizes, to try the bench itself: its figures say nothing. */
  readonly isQuick: boolean;
  readonly databases: readonly DatabaseName[];
  /** Say where the server's time goes; costs a little of it. */
  readonly isProfiling: boolean;
  readonly print: (line: string) => void;
}

/** What a row is given, and where its figures go. */
export class Bench {
  readonly seed: number;
  readonly isQuick: boolean;
  readonly databases: readonly DatabaseName[];
  readonly figures: Figure[] = [];
  readonly skipped: Skipped[] = [];
  readonly growth: Growth[] = [];
  readonly profiles: ProfileResult[] = [];
  readonly #options: BenchOptions;
  #postgres: Promise<Postgres> | undefined;
  #places = 0;
  #isClosed = false;

  constructor(options: BenchOptions) {
    this.#options = options;
    this.seed = options.seed;
    this.isQuick = options.isQuick;
    this.databases = options.databases;
  }

  has(database: DatabaseName): boolean {
    return this.databases.includes(database);
  }

  /** The full size, or the one of a quick run. */
  size(full: number, quick: number): number {
    return this.isQuick ? quick : full;
  }

  print(line: string): void {
    this.#options.print(line);
  }

  add(...figures: readonly Figure[]): void {
    this.figures.push(...figures);
    for (const { name, on, value, unit } of figures) {
      this.print(`  ${name}${on === undefined ? '' : ` (${on})`}: ${value.toFixed(2)} ${unit}`);
    }
  }

  skip(skipped: Skipped): void {
    this.skipped.push(skipped);
    this.print(`  ${skipped.name}: skipped: ${skipped.reason}`);
  }

  /** Does `work`, and says where the time of `child` went meanwhile, if that is wanted. */
  async profiled<T>(name: string, child: ProbedChild, work: () => Promise<T>): Promise<T> {
    if (!this.#options.isProfiling) return work();
    await child.startProfile();
    const result = await work();
    const file = join(this.#options.folder, `${name}.cpuprofile`);
    await child.stopProfile(file);
    const functions = topFunctions(JSON.parse(await readFile(file, 'utf8')), TOP_FUNCTIONS);
    this.profiles.push({ name, functions });
    for (const { name: place, selfMs, share } of functions) {
      this.print(
        `    ${(share * 100).toFixed(1).padStart(5)} % ${selfMs.toFixed(0).padStart(6)} ms  ${place}`,
      );
    }
    return result;
  }

  /** A fresh folder. */
  async makeFolder(name: string): Promise<string> {
    this.#places += 1;
    const folder = join(this.#options.folder, `${String(this.#places).padStart(2, '0')}-${name}`);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** An empty database in `folder`, or on the one PostgreSQL of this run. */
  async makeDatabase(name: DatabaseName, folder: string): Promise<DatabaseSection> {
    if (name === 'SQLite') return sqliteIn(folder);
    this.#places += 1;
    return (await this.postgres()).createDatabase(`bench_${this.#places}`);
  }

  async postgres(): Promise<Postgres> {
    if (this.#isClosed) throw new Error('PostgreSQL is not started: the bench ends');
    this.#postgres ??= Postgres.start();
    return this.#postgres;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#postgres)?.stop();
  }
}

export function sqliteIn(folder: string): DatabaseSection {
  return { driver: 'sqlite', sqlite: { path: join(folder, 'dispatchoor.db') } };
}
