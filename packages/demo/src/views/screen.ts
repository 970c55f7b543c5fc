import type { Runner } from '@dispatchoor/api-contract';
import pc from 'picocolors';
import { jobKey, jobLabel } from '../load/job-book.ts';
import type { GroupView, RunnerView, Snapshot } from './snapshot.ts';
import { cell, cut, elapsed } from './text.ts';
import type { Access } from './view.ts';

const { bold, cyan, dim, green, red, yellow } = pc.createColors(true);

export interface Screen {
  readonly access: Access;
  readonly elapsed: string;
  readonly snapshot: Snapshot | undefined;
  /** Oldest first. */
  readonly events: readonly string[];
  readonly columns: number;
  readonly rows: number;
}

/** What fits into `rows` of `columns` visible characters. Events get the room that is left, newest last. */
export function screenLines(screen: Screen): string[] {
  const { snapshot, columns, rows } = screen;
  const top = [
    ...headLines(screen),
    ...(snapshot === undefined ? [] : stateLines(snapshot, columns)),
  ];
  // The one line that is not cut goes over several rows.
  const wrapped = Math.ceil(screen.access.curl.length / columns) - 1;
  const room = Math.max(0, rows - wrapped - top.length - 2);
  const events = room === 0 ? [] : screen.events.slice(-room);
  const lines = [...top, '', bold('EVENTS'), ...events.map((event) => eventLine(event, columns))];
  return lines.slice(0, Math.max(0, rows - wrapped));
}

function headLines({ access, elapsed: time, snapshot, columns }: Screen): string[] {
  const { accepted = 0, ended = 0 } = snapshot ?? {};
  const counts = `${time}   ${accepted} jobs accepted, ${ended} ended   Ctrl-C ends it`;
  const login = `${access.url}/api/v1   login ${access.username} / ${access.password}`;
  return [
    bold(cut(`dispatchoor demo   ${counts}`, columns)),
    cyan(cut(login, columns)),
    // Not cut: it is there to be copied.
    dim(access.curl),
    '',
  ];
}

function stateLines(snapshot: Snapshot, columns: number): string[] {
  return [
    bold(cell(`${'QUEUE'.padEnd(19)}waits  runs  idle  busy  the next job`, columns)),
    ...snapshot.groups.map((view) => groupLine(view, columns)),
    '',
    bold('RUNNERS'),
    ...runnerLines(snapshot, columns),
  ];
}

function groupLine({ group, head, why }: GroupView, columns: number): string {
  const {
    queued_jobs: queued,
    running_jobs: running,
    idle_runners: idle,
    busy_runners: busy,
  } = group;
  const numbers = [queued, running, idle, busy].map((n) => String(n).padStart(5)).join(' ');
  const reason =
    head === undefined ? '' : `${jobLabel(head)} p${head.priority}: ${why?.message ?? ''}`;
  const paused = group.paused ? '(paused) ' : '';
  return cut(`${cell(group.name, 18)}${numbers}  ${paused}${reason}`, columns);
}

/** Two columns; in a narrow terminal they say less, so that events still have room below them. */
function runnerLines({ runners, at }: Snapshot, columns: number): string[] {
  const isWide = columns >= 120;
  const width = Math.floor(columns / 2) - 1;
  const rows = Math.ceil(runners.length / 2);
  const runnerCell = isWide ? wideCell : narrowCell;
  return Array.from({ length: rows }, (_, row) =>
    [runners[row], runners[row + rows]]
      .filter((view) => view !== undefined)
      .map((view) => runnerCell(view, at, width))
      .join(' '),
  );
}

function wideCell({ runner, job }: RunnerView, at: number, width: number): string {
  const labels = runner.labels.filter((label) => label !== 'self-hosted' && label !== 'sync-test');
  const name = `${cell(runner.name, 15)}${cell(labels.join(' '), 11)}`;
  const work = job === undefined ? '' : `${jobLabel(job)} ${sinceDispatch(job, at)}`;
  return `${name}${stateOf(runner)}${cell(work, width - 34)}`;
}

function narrowCell({ runner, job }: RunnerView, at: number, width: number): string {
  const work = job === undefined ? '' : `${jobKey(job)} ${sinceDispatch(job, at)}`;
  return `${cell(runner.name, 14)} ${stateOf(runner)}${cell(work, width - 23)}`;
}

/** Eight wide. */
function stateOf({ status, busy }: Runner): string {
  if (status !== 'online') return red('offline ');
  return busy ? green('busy    ') : yellow('idle    ');
}

function sinceDispatch(
  { triggered_at: from }: { triggered_at: string | null },
  at: number,
): string {
  return from === null ? '' : elapsed(at - Date.parse(from));
}

function eventLine(event: string, columns: number): string {
  const line = cut(event, columns);
  return event.includes('FAILED') || event.includes('server') ? red(line) : line;
}
