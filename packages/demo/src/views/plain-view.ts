import type { Clock } from '@dispatchoor/testbed';
import type { GroupView, Snapshot } from './snapshot.ts';
import { elapsed } from './text.ts';
import { type Access, accessLines, type DemoOutput, type DemoView } from './view.ts';

const STATUS_EVERY_MS = 5_000;

/** One line per event, and how things stand every few seconds: for pipes and logs. */
export class PlainView implements DemoView {
  readonly #output: DemoOutput;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #startedAt: number;
  #statusAt = -Infinity;

  constructor(output: DemoOutput, clock: Pick<Clock, 'now'>, access: Access) {
    this.#output = output;
    this.#clock = clock;
    this.#startedAt = clock.now();
    output.write(`${accessLines(access).join('\n')}\n`);
  }

  print(event: string): void {
    this.#line(event);
  }

  show(snapshot: Snapshot): void {
    if (snapshot.at - this.#statusAt < STATUS_EVERY_MS) return;
    this.#statusAt = snapshot.at;
    for (const line of statusLines(snapshot)) this.#line(line);
  }

  close(): void {
    // Nothing to undo.
  }

  #line(text: string): void {
    const time = elapsed(this.#clock.now() - this.#startedAt).padStart(6);
    this.#output.write(`${time}  ${text}\n`);
  }
}

function statusLines({ groups, runners, accepted, ended }: Snapshot): string[] {
  const busy = runners.filter(({ runner }) => runner.busy).length;
  const total = `${accepted} jobs accepted, ${ended} ended; ${busy} of ${runners.length} runners busy`;
  return [`-- ${total}`, ...groups.map((view) => `--   ${groupLine(view)}`)];
}

function groupLine({ group, head, why }: GroupView): string {
  const counts = `${group.name}: ${group.queued_jobs} wait, ${group.running_jobs} run`;
  return head === undefined ? counts : `${counts}; the next: ${why?.message ?? ''}`;
}
