import { randomBytes } from 'node:crypto';
import { ForgeSimClient, Random } from '@dispatchoor/forge-sim/client';
import { type Clock, type Environment, idealMakespanMs, ServerClient } from '@dispatchoor/testbed';
import { lastCheck } from './collect.ts';
import { forgeSimProcess, meanDispatchToStartMs, raiseLimits } from './forge-sim.ts';
import { choosePort } from './free-port.ts';
import { killMoments } from './kill-moments.ts';
import { JobBook } from './load/job-book.ts';
import { plannedJobs } from './load/plan.ts';
import { play } from './play.ts';
import { ChildFailure, DemoProcesses, serverProcess } from './processes.ts';
import { configFile, secretNames } from './site/config-file.ts';
import { demoRunners } from './site/setting.ts';
import { openStateFolder, writeConfig, writeLedger, writeWorld } from './site/state-folder.ts';
import { summarise } from './summary/summary.ts';
import { summaryLines } from './summary/text.ts';
import { PlainView } from './views/plain-view.ts';
import { TerminalView } from './views/terminal-view.ts';
import { type Access, curlLine, type DemoOutput } from './views/view.ts';

const LOGIN = { username: 'demo', password: 'dispatchoor' };
/** Twice the runners: none runs out of work because a script was slow. */
const BACKLOG = 24;
/** The kills of `--kill` without `--jobs` come this close. */
const KILL_EVERY_MS = 15_000;
/** Kills fall into this part of the time that the jobs take at least: after it there is little left to harm. */
const KILLED_PART = 0.8;

export interface DemoOptions {
  /** End after so many jobs; undefined: on `signal` only. */
  readonly jobs: number | undefined;
  /** How often to kill the server. */
  readonly kill: number;
  /** Undefined: 9090 or the next free one. */
  readonly port: number | undefined;
  /** Undefined: a new one. It is kept. */
  readonly stateFolder: string | undefined;
  /** The load, the kill moments and the forge follow from it. */
  readonly seed: number;
  readonly isTty: boolean;
  readonly output: DemoOutput;
  readonly clock: Clock;
  /** The server: a JavaScript file that Node starts. */
  readonly serverProgram: string;
  /** Of both programs. */
  readonly env: Environment;
  /** Asked to end: the summary follows. */
  readonly signal: AbortSignal;
}

/**
 * Plays the product: the server and a simulated GitHub as two processes, a mixed load, a live view, a summary from
 * the forge's ledger. Leaves no process behind.
 *
 * @returns the exit code: 0 when all figures are as they must be
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { clock, output } = options;
  const processes = new DemoProcesses(clock);
  try {
    return await runWith(processes, options);
  } catch (error) {
    if (!(error instanceof ChildFailure)) throw error;
    output.write(`${error.message}\n`);
    return 1;
  } finally {
    await processes.stop();
  }
}

async function runWith(processes: DemoProcesses, options: DemoOptions): Promise<number> {
  const { jobs, clock, output, signal } = options;
  const { forge, api, access } = await start(processes, options);
  const dispatchToStartMs = await meanDispatchToStartMs(forge);
  const book = new JobBook();
  const view = options.isTty
    ? new TerminalView(output, clock, access)
    : new PlainView(output, clock, access);
  let kills: number;
  try {
    kills = await play({
      ...{ processes, api, book, view, clock, jobs, signal },
      plan: plannedJobs(new Random(options.seed, 'load')),
      backlog: backlogOf(options),
      keyPrefix: randomBytes(6).toString('hex'),
      killMoments: momentsOf(options, dispatchToStartMs),
    });
  } finally {
    view.close();
  }
  const otherRunIds = await lastCheck(api, book, clock);
  const until = clock.now();
  // It finishes what it is sending: only then does the ledger hold all that it has asked for.
  await processes.stopServer();
  const ledger = await forge.ledger();
  await writeLedger(access.stateFolder, ledger);
  const isComplete = jobs !== undefined && !signal.aborted;
  const facts = { jobs: book.facts(until), otherRunIds, ledger, dispatchToStartMs, until };
  const summary = summarise({ ...facts, isComplete, kills });
  output.write(`\n${summaryLines(summary).join('\n')}\nstate kept in ${access.stateFolder}\n`);
  return summary.failures.length === 0 ? 0 : 1;
}

interface Started {
  readonly forge: ForgeSimClient;
  readonly api: ServerClient;
  readonly access: Access;
}

async function start(processes: DemoProcesses, options: DemoOptions): Promise<Started> {
  const port = await choosePort(options.port);
  const stateFolder = await openStateFolder(options.stateFolder);
  const tokens = { dispatch: newToken(), runners: newToken() };
  const worldFile = await writeWorld(stateFolder, tokens);
  const forgeUrl = await processes.startForgeSim(
    forgeSimProcess({ stateFolder, worldFile, env: options.env, seed: options.seed }),
  );
  const forge = new ForgeSimClient(forgeUrl);
  await raiseLimits(forge, [tokens.dispatch, tokens.runners]);
  await writeConfig(stateFolder, configFile({ forgeUrl, port, username: LOGIN.username }));
  const url = `http://127.0.0.1:${port}`;
  const api = new ServerClient(url, LOGIN);
  const secrets = {
    [secretNames.dispatchToken]: tokens.dispatch,
    [secretNames.runnersToken]: tokens.runners,
    [secretNames.password]: LOGIN.password,
  };
  const env = { ...options.env, ...secrets };
  const server = serverProcess(options.serverProgram, stateFolder, env);
  await processes.startServer(server, () => api.isReady());
  const access = { url, ...LOGIN, stateFolder };
  return { forge, api, access: { ...access, curl: curlLine(access) } };
}

function newToken(): string {
  return `demo_${randomBytes(16).toString('hex')}`;
}

/**
 * A job that is held back until others have gone makes the ideal later, and hides how late they went. So where the
 * makespan is judged, all jobs are added at once; where the server is killed, some are left for it to be killed at.
 */
function backlogOf({ jobs, kill }: DemoOptions): number {
  return jobs !== undefined && kill === 0 ? jobs : BACKLOG;
}

function momentsOf({ kill, jobs, seed }: DemoOptions, dispatchToStartMs: number): number[] {
  if (kill === 0) return [];
  const random = new Random(seed, 'kills');
  if (jobs === undefined) return killMoments(random, kill, kill * KILL_EVERY_MS);
  const plan = plannedJobs(new Random(seed, 'load'));
  const load = Array.from({ length: jobs }, () => {
    const { group, priority, durationMs } = plan.next().value;
    return { labels: group.labels, priority, durationMs, releasedAt: 0 };
  });
  const idealMs = idealMakespanMs(load, demoRunners, dispatchToStartMs);
  return killMoments(random, kill, idealMs * KILLED_PART);
}
