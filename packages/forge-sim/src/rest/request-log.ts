import type { Changes } from '../changes.ts';
import type { SimClock } from '../clock.ts';
import type { EndpointName } from '../endpoint-names.ts';
import type { LedgerRequest } from '../ledger/entries.ts';

export interface Arrival {
  /** Epoch ms on the forge's clock when its first bytes were read. */
  at: number;
  method: string;
  path: string;
  query: Record<string, string>;
  endpoint: EndpointName;
  authorization: string | undefined;
  owner: string | undefined;
  repo: string | undefined;
  conditional: boolean;
}

/** The ledger's requests, written while they are answered. */
export class RequestLog {
  readonly entries: LedgerRequest[] = [];
  readonly #clock: SimClock;
  readonly #changes: Changes;

  constructor(clock: SimClock, changes: Changes) {
    this.#clock = clock;
    this.#changes = changes;
  }

  begin(arrival: Arrival): LedgerRequest {
    const { authorization, owner, repo, ...rest } = arrival;
    const entry: LedgerRequest = {
      id: this.entries.length + 1,
      ...rest,
      token: authorization?.slice(-4) ?? '',
      ...(owner === undefined ? {} : { owner }),
      ...(repo === undefined ? {} : { repo }),
      status: null,
      acted: false,
    };
    this.entries.push(entry);
    this.#changes.announce();
    return entry;
  }

  markFault(entry: LedgerRequest, kind: string): void {
    entry.fault = kind;
    this.#changes.announce();
  }

  markActed(entry: LedgerRequest): void {
    entry.acted = true;
    this.#changes.announce();
  }

  markAbandoned(entry: LedgerRequest): void {
    entry.abandoned = true;
    this.#changes.announce();
  }

  markReplied(entry: LedgerRequest, status: number): void {
    entry.status = status;
    entry.repliedAt = this.#clock.now();
    this.#changes.announce();
  }
}
