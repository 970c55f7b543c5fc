import type { Ledger } from '@dispatchoor/forge-sim';
import { CORRELATION_INPUT } from '../harness/fixtures.ts';
import { type KillWindow, killWindows } from '../processes/kill-window.ts';
import { type AttemptRow, countPending, listAttempts } from '../processes/rows.ts';
import type { Site } from '../processes/site.ts';

/** `nothing`: no job was due, none was being sent, and no run went on. */
export type Hit = KillWindow | 'nothing';

/** What a dead server left, read before the next one has changed it. */
interface Remains {
  /** Claimed by the dead server, with no outcome recorded. */
  readonly open: readonly string[];
  /** A job waited, and a runner was free for it. */
  readonly isDue: boolean;
  /** A dispatch was recorded, and its run goes on. */
  readonly isLive: boolean;
  /** By the forge's clock. */
  readonly diedAt: number;
}

/** Of several dispatches under way the one in the shortest window counts. */
const SHORTEST_FIRST = ['replied-unrecorded', 'claimed-unsent', 'sent-no-reply'] as const;

/** Pure. Where the server was by what it left and what the forge saw, not by what was meant. */
function classify(remains: Remains, ledger: Pick<Ledger, 'requests' | 'runs'>): Hit {
  const windows = remains.open.map((id) => windowOf(id, remains.diedAt, ledger));
  const shortest = SHORTEST_FIRST.find((window) => windows.includes(window));
  if (shortest !== undefined) return shortest;
  if (remains.isDue) return 'before-claim';
  return remains.isLive ? 'recorded' : 'nothing';
}

function windowOf(
  attemptId: string,
  diedAt: number,
  { requests, runs }: Pick<Ledger, 'requests' | 'runs'>,
): Hit {
  const run = runs.find(({ inputs }) => inputs[CORRELATION_INPUT] === attemptId);
  if (run === undefined) return 'claimed-unsent';
  const request = requests.find(({ id }) => id === run.createdByRequest);
  // The forge may not have noticed yet to whom it replied.
  const isReplied = request?.repliedAt !== undefined && request.repliedAt < diedAt;
  return isReplied ? 'replied-unrecorded' : 'sent-no-reply';
}

/** What a slow machine needs until a kill hits what it was meant for. */
const TRIES_EACH = 3;
const TRIES_MORE = 4;

/** Where each kill has hit. */
export class KillRecord {
  readonly #site: Site;
  readonly #hits = new Map<Hit, number>();
  #known: ReadonlySet<string> = new Set();
  #undecided: Remains | undefined;

  constructor(site: Site) {
    this.#site = site;
  }

  /** At once after a death. */
  async exhume(): Promise<void> {
    const diedAt = this.#site.sim.clock.now();
    const attempts = await listAttempts(this.#site.database);
    const pending = await countPending(this.#site.database);
    const { runners } = this.#site.sim.ledger();
    const free = runners.filter(({ busySpans }) => busySpans.every(({ to }) => to !== undefined));
    // Each of these has a runner kept for it, free as it may look to the forge.
    const kept = attempts.filter(({ state }) => state === 'claimed' || state === 'unknown');
    this.#undecided = {
      open: attempts.filter((attempt) => this.#isOpen(attempt)).map(({ id }) => id),
      isDue: pending > 0 && free.length > kept.length,
      diedAt,
      isLive: attempts.some(({ state, ended_at: at }) => state === 'accepted' && at === null),
    };
    this.#known = new Set(attempts.map(({ id }) => id));
  }

  /** Some time after the death, when the forge has read all that was sent to it. */
  decide(): Hit | undefined {
    if (this.#undecided === undefined) return undefined;
    const hit = classify(this.#undecided, this.#site.sim.ledger());
    this.#hits.set(hit, this.hits(hit) + 1);
    this.#undecided = undefined;
    return hit;
  }

  hits(hit: Hit): number {
    return this.#hits.get(hit) ?? 0;
  }

  /** The window that lacks most of `wanted`, once not many more kills are left than it may take: not each one hits. */
  findNeed(wanted: number, killsLeft: number): KillWindow | undefined {
    const lacks = killWindows.map((window) => ({
      window,
      lack: Math.max(0, wanted - this.hits(window)),
    }));
    const sum = lacks.reduce((total, { lack }) => total + lack, 0);
    if (sum === 0 || killsLeft > TRIES_EACH * sum + TRIES_MORE) return undefined;
    return lacks.toSorted((a, b) => b.lack - a.lack)[0]?.window;
  }

  counts(): Record<string, number> {
    const hits = [...killWindows, 'nothing' as const];
    return Object.fromEntries(hits.map((hit) => [`killed ${hit}`, this.hits(hit)]));
  }

  #isOpen({ id, state }: AttemptRow): boolean {
    return state === 'claimed' && !this.#known.has(id);
  }
}
