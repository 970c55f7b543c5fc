import { clockTime, seconds } from '../views/text.ts';
import {
  IDLE_LIMIT_MS,
  MAKESPAN_LIMIT,
  type Makespan,
  type Percentiles,
  type Summary,
} from './summary.ts';

/** The summary as lines for a terminal. The last says whether all is as it must be. */
export function summaryLines(summary: Summary): string[] {
  const { losses, runners, spanMs, utilisation } = summary;
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['jobs', [`${summary.accepted} accepted: ${counts(summary.endings)}`]],
    ['lost, doubled', [`${losses.lost.length}, ${losses.doubled.length}`]],
    ['wait', [`${spread(summary.waits)}  (accepted -> workflow job started)`]],
    ['dispatch latency', latencyLines(summary.dispatchLatency)],
    ['utilisation', [`${percent(utilisation)} of ${runners} runners over ${seconds(spanMs)}`]],
    ['longest idle', idleLines(summary)],
    ['makespan', makespanLines(summary.makespan, summary.dispatchToStartMs)],
    ['forge calls', [callLine(summary)]],
    ...(summary.kills > 0 ? [['server killed', [`${summary.kills} times`]] as const] : []),
  ];
  return [
    'SUMMARY, from the simulated forge’s ledger',
    ...rows.flatMap(([name, lines]) =>
      lines.map((line, i) => `  ${(i === 0 ? name : '').padEnd(16)}  ${line}`),
    ),
    ...verdictLines(summary),
  ];
}

function verdictLines({ failures, kills }: Summary): string[] {
  if (failures.length > 0) return failures.map((failure) => `FAILED  ${failure}`);
  const rest = kills > 0 ? 'idle time and makespan are not judged when the server is killed' : '';
  return [`OK  nothing lost, nothing doubled${rest === '' ? '' : `; ${rest}`}`];
}

function latencyLines(latency: Percentiles): string[] {
  return [`${spread(latency)}  (job and its runner both there -> dispatch at the forge)`];
}

function idleLines({ longestIdle, kills }: Summary): string[] {
  const limit = kills > 0 ? '' : `, limit ${seconds(IDLE_LIMIT_MS)}`;
  if (longestIdle === undefined) return [`0 s${limit}`];
  const { ms, runnerName, from } = longestIdle;
  const where = `${runnerName} from ${clockTime(from)}`;
  return [`${seconds(ms)} beside a waiting job that fits (${where})${limit}`];
}

function makespanLines(makespan: Makespan | undefined, dispatchToStartMs: number): string[] {
  if (makespan === undefined) return ['measured only where --jobs runs to its end'];
  const { ms, idealMs, ratio } = makespan;
  return [
    `${seconds(ms)} = ${ratio.toFixed(2)} x ideal ${seconds(idealMs)}, limit ${MAKESPAN_LIMIT}`,
    'ideal: the same jobs from their 201 on, each given to a fitting runner the moment one is free,',
    'by whichever of 202 orders ends first (list scheduling: longest first, queue order, random ones);',
    `a job takes its real duration + ${seconds(dispatchToStartMs)}, the forge’s mean from dispatch to start`,
  ];
}

function callLine({ forgeCalls, forgeCallsPerJob }: Summary): string {
  const most = [...forgeCalls].sort(([, a], [, b]) => b - a);
  const parts = most.map(([endpoint, count]) => `${endpoint} ${count}`);
  return `${forgeCallsPerJob.toFixed(1)} per job (${parts.join(', ')})`;
}

function counts(endings: ReadonlyMap<string, number>): string {
  return [...endings].map(([status, count]) => `${count} ${status}`).join(', ');
}

function spread({ p50, p95, max }: Percentiles): string {
  const text = (ms: number | undefined): string => (ms === undefined ? '-' : seconds(ms));
  return `p50 ${text(p50)}, p95 ${text(p95)}, max ${text(max)}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
