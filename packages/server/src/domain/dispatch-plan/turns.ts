import type { PendingJob } from '../dispatch-state.ts';
import { compareText } from '../text-order.ts';
import type { Line } from './lines.ts';

interface Turn {
  readonly line: Line;
  next: number;
}

/** Groups compete by their next job's priority, then by the oldest job they still have in line. */
function goesFirst(a: Turn, b: Turn): boolean {
  const priority = (a.line.jobs[a.next]?.priority ?? 0) - (b.line.jobs[b.next]?.priority ?? 0);
  if (priority !== 0) return priority > 0;
  const age = (a.line.oldest[a.next] ?? 0) - (b.line.oldest[b.next] ?? 0);
  return age !== 0 ? age < 0 : compareText(a.line.group.id, b.line.group.id) < 0;
}

/** Puts the root of a binary heap where it belongs, after its turn has moved on. */
function sink(heap: Turn[], at: number): void {
  for (let parent = at; ; ) {
    let first = parent;
    for (const child of [2 * parent + 1, 2 * parent + 2]) {
      const [a, b] = [heap[child], heap[first]];
      if (a !== undefined && b !== undefined && goesFirst(a, b)) first = child;
    }
    const [up, down] = [heap[first], heap[parent]];
    if (first === parent || up === undefined || down === undefined) return;
    heap[parent] = up;
    heap[first] = down;
    parent = first;
  }
}

/**
 * Calls `take` for one job after the other, in the order in which groups and jobs compete. A line whose `take`
 * says `leave` is asked no more.
 */
export function takeTurns(
  lines: readonly Line[],
  take: (line: Line, job: PendingJob) => 'next' | 'leave',
): void {
  const heap: Turn[] = lines
    .filter((line) => line.jobs.length > 0)
    .map((line) => ({ line, next: 0 }));
  for (let i = heap.length >> 1; i >= 0; i--) sink(heap, i);
  for (let turn = heap[0]; turn !== undefined; turn = heap[0]) {
    const job = turn.line.jobs[turn.next];
    const isOver = job === undefined || take(turn.line, job) === 'leave';
    turn.next++;
    if (isOver || turn.next >= turn.line.jobs.length) {
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) heap[0] = last;
    }
    sink(heap, 0);
  }
}
