import type { Clock } from '@dispatchoor/testbed';
import { screenLines } from './screen.ts';
import type { Snapshot } from './snapshot.ts';
import { elapsed } from './text.ts';
import type { Access, DemoOutput, DemoView } from './view.ts';

const ESC = '\u001b[';
const OPEN = `${ESC}?1049h${ESC}?25l`;
const CLOSE = `${ESC}?25h${ESC}?1049l`;
const HOME = `${ESC}H`;
const CLEAR_LINE_END = `${ESC}K`;
const CLEAR_BELOW = `${ESC}J`;

const KEPT_EVENTS = 100;

/** A screen of its own that is drawn anew whenever something changes; what stood before comes back at the end. */
export class TerminalView implements DemoView {
  readonly #output: DemoOutput;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #access: Access;
  readonly #startedAt: number;
  readonly #events: string[] = [];
  #snapshot: Snapshot | undefined;
  #isOpen = true;

  constructor(output: DemoOutput, clock: Pick<Clock, 'now'>, access: Access) {
    this.#output = output;
    this.#clock = clock;
    this.#access = access;
    this.#startedAt = clock.now();
    output.write(OPEN);
    this.#draw();
  }

  print(event: string): void {
    this.#events.push(`${this.#elapsed().padStart(6)}  ${event}`);
    if (this.#events.length > KEPT_EVENTS) this.#events.shift();
    this.#draw();
  }

  show(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#draw();
  }

  close(): void {
    if (this.#isOpen) this.#output.write(CLOSE);
    this.#isOpen = false;
  }

  #draw(): void {
    if (!this.#isOpen) return;
    const { columns = 80, rows = 24 } = this.#output;
    const lines = screenLines({
      access: this.#access,
      elapsed: this.#elapsed(),
      snapshot: this.#snapshot,
      events: this.#events,
      columns,
      rows,
    });
    // Line by line over the old ones: clearing the screen first would make it flicker.
    const text = lines.map((line) => `${line}${CLEAR_LINE_END}`).join('\r\n');
    this.#output.write(`${HOME}${text}${CLEAR_BELOW}`);
  }

  #elapsed(): string {
    return elapsed(this.#clock.now() - this.#startedAt);
  }
}
