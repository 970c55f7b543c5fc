import { parseOptions, UsageError, usage } from './cli/options.ts';
import { readWorld } from './cli/world-file.ts';
import { ShapeError } from './shape-check.ts';
import type { ForgeSim } from './sim.ts';
import { startForgeSim } from './start.ts';
import type { World } from './world/spec.ts';

/** A dispatch of the first workflow if there is one to send it with, else a look at the ledger. */
function readyCommand(url: string, world: World): string {
  const token = world.tokens?.[0]?.token;
  const workflow = world.workflows?.[0];
  if (token === undefined || workflow === undefined) return `curl -s ${url}/_sim/ledger`;
  const { owner, repo, file } = workflow;
  const body = JSON.stringify({ ref: workflow.refs?.[0] ?? 'main', return_run_details: true });
  const target = `${url}/repos/${owner}/${repo}/actions/workflows/${file}/dispatches`;
  const headers = ['Accept: application/vnd.github+json', 'X-GitHub-Api-Version: 2022-11-28'];
  const flags = [`Authorization: Bearer ${token}`, ...headers].map((header) => `-H '${header}'`);
  return `curl -s -X POST ${target} ${flags.join(' ')} -d '${body}'`;
}

function closeOnSignal(sim: ForgeSim): void {
  const close = (): void => {
    process.removeListener('SIGINT', close);
    process.removeListener('SIGTERM', close);
    sim.close().catch(fail);
  };
  process.once('SIGINT', close);
  process.once('SIGTERM', close);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.wantsHelp) {
    process.stdout.write(usage);
    return;
  }
  const world = readWorld(options.world);
  const { port, host, seed, profile, clock, ghes, hasValidator: validator } = options;
  const sim = await startForgeSim({
    ...{ port, host, seed, profile, clock, validator },
    ...(ghes === undefined ? {} : { ghes }),
  });
  closeOnSignal(sim);
  try {
    sim.seed(world);
    if (options.hook !== undefined) sim.addHook(options.hook);
  } catch (error) {
    await sim.close();
    throw error;
  }
  process.stdout.write(`forge-sim listening on ${sim.url}\n`);
  process.stdout.write(`try: ${readyCommand(sim.url, world)}\n`);
}

/** One line that says what to change; a stack only for what nobody foresaw. */
function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`;
  if (error instanceof ShapeError) return `--world: ${error.message}\n`;
  if (!(error instanceof Error)) return `${String(error)}\n`;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return '--port: the port is taken, choose another or 0\n';
  return `${code === undefined ? (error.stack ?? error.message) : error.message}\n`;
}

function fail(error: unknown): void {
  process.stderr.write(`Error: ${explain(error)}`);
  process.exitCode = 1;
}

await main().catch(fail);
