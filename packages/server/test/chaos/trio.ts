import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { inject } from 'vitest';
import { type LeaseRow, listClaims, listLeases, pidOf } from '../processes/rows.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import { Site } from '../processes/site.ts';
import { postgres } from '../replicas/pair.ts';
import type { ChaosContext } from './chaos.ts';
import { namedScenario } from './scenario.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** A server, and its own line to the database. */
export interface Replica {
  readonly server: ServerProcess;
  readonly proxy: TcpProxy;
}

/** How long it took until others did what one server had done. */
export interface Handover {
  /** Until none of its leases was its own any more. */
  readonly leasesMs: number;
  /** Until another claimed a job; `undefined` if it was not the one that dispatches. */
  readonly claimMs: number | undefined;
}

const DISPATCH = 'dispatch:github';

/** Three servers on one PostgreSQL. */
export class Trio {
  readonly site: Site;
  readonly leaseMs: number;
  readonly replicas: Replica[] = [];
  readonly #context: ChaosContext;

  private constructor(site: Site, leaseMs: number, context: ChaosContext) {
    this.site = site;
    this.leaseMs = leaseMs;
    this.#context = context;
  }

  static async open(context: ChaosContext): Promise<Trio> {
    // Shorter than the default, but longer than a busy machine keeps a healthy server from renewing it.
    const leaseMs = context.size === 'full' ? 10_000 : 6_000;
    const config = { waits: { lease: `${leaseMs}ms` } };
    const site = await Site.open({ database: postgres, ...namedScenario(6), config }, context);
    const trio = new Trio(site, leaseMs, context);
    await Promise.all([trio.add(), trio.add(), trio.add()]);
    return trio;
  }

  /** Whether there is time to see how a server that is cut off answers. */
  get isPatient(): boolean {
    return this.#context.size === 'full';
  }

  get servers(): ServerProcess[] {
    return this.replicas.map(({ server }) => server);
  }

  async add(): Promise<void> {
    const { socketDir, port } = inject('postgres');
    const proxy = await TcpProxy.open({ path: join(socketDir, `.s.PGSQL.${port}`) });
    this.#context.onTestFinished(() => proxy.close());
    const line = { host: '127.0.0.1', port: proxy.port };
    const server = await this.site.start({ database: { ...this.site.database, ...line } });
    this.replicas.push({ server, proxy });
  }

  remove(replica: Replica): void {
    this.replicas.splice(this.replicas.indexOf(replica), 1);
  }

  /** The one that dispatches. */
  async dispatching(): Promise<Replica> {
    const holder = await this.site.until(
      'somebody dispatches',
      async () => {
        const lease = (await listLeases(this.site.database)).find(({ name }) => name === DISPATCH);
        return this.replicas.findIndex(({ server }) => lease && isOf(lease, server));
      },
      (index) => index >= 0,
    );
    return this.replicas[holder] as Replica;
  }

  leasesOf(server: ServerProcess): Promise<LeaseRow[]> {
    return listLeases(this.site.database).then((rows) => rows.filter((row) => isOf(row, server)));
  }

  /** @param since epoch milliseconds, when `victim` was struck */
  async handover(
    victim: ServerProcess,
    had: readonly LeaseRow[],
    since: number,
  ): Promise<Handover> {
    const claims = this.#nextClaim(victim, had, since);
    await this.site.until(
      `the loops of ${victim.name} have moved`,
      () => this.leasesOf(victim),
      (left) => left.length === 0,
    );
    const leasesMs = Date.now() - since;
    return { leasesMs, claimMs: await claims };
  }

  async #nextClaim(
    victim: ServerProcess,
    had: readonly LeaseRow[],
    since: number,
  ): Promise<number | undefined> {
    if (!had.some(({ name }) => name === DISPATCH)) return undefined;
    const claims = await this.site.until(
      `another than ${victim.name} claims`,
      () => listClaims(this.site.database, since),
      (rows) => rows.some((row) => pidOf(row) !== victim.pid),
    );
    return (claims.find((row) => pidOf(row) !== victim.pid)?.at ?? since) - since;
  }

  /** Until it says that it can serve. */
  async ready(server: ServerProcess): Promise<void> {
    await this.site.until(
      `${server.name} is ready`,
      async () => {
        const reply = await fetch(`${server.url}/ready`).catch(() => undefined);
        if (reply?.status !== 200) await wait(50);
        return reply?.status;
      },
      (status) => status === 200,
    );
  }
}

function isOf(row: LeaseRow, server: ServerProcess): boolean {
  return row.is_held === 1 && pidOf(row) === server.pid;
}
