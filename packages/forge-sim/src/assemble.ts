import { Changes } from './changes.ts';
import { SimClock } from './clock.ts';
import { Faults } from './faults.ts';
import type { Forge } from './forge.ts';
import { parseGhesVersion } from './ghes.ts';
import { Hooks } from './hooks/hooks.ts';
import { ForgeIds } from './ids.ts';
import { Limits } from './limits.ts';
import { type Profile, profiles } from './profiles.ts';
import { Random } from './random.ts';
import { RequestLog } from './rest/request-log.ts';
import type { ForgeSimOptions } from './sim-options.ts';
import { getSharedValidator, type SchemaValidator } from './validator/validator.ts';
import { ForgeEvents } from './world/forge-events.ts';
import { JobRunner } from './world/jobs.ts';
import { RunnerPool } from './world/runner-pool.ts';
import { Runs } from './world/runs.ts';
import { Seeder } from './world/seed.ts';
import { WorldState } from './world/state.ts';

/** What a simulated forge is made of. */
export interface Parts {
  forge: Forge;
  faults: Faults;
  profile: Profile;
  random: Random;
  log: RequestLog;
  validator: SchemaValidator | null;
  violations: string[];
  onViolation: (violation: string) => void;
  changes: Changes;
  runners: RunnerPool;
  hooks: Hooks;
  seeder: Seeder;
}

export function assemble(options: ForgeSimOptions): Parts {
  const { seed = 1, profile: wanted = 'instant', startAt } = options;
  const profile = typeof wanted === 'string' ? profiles[wanted] : wanted;
  const clock = new SimClock({
    mode: options.clock ?? 'real',
    ...(startAt === undefined ? {} : { startAt }),
  });
  const changes = new Changes();
  const events = new ForgeEvents();
  const state = new WorldState();
  const ids = new ForgeIds(new Random(seed, 'ids'));
  const runners = new RunnerPool({ clock, changes, ids, state });
  const world = { clock, changes, events, ids, profile, state, runners };
  const jobs = new JobRunner({ ...world, random: new Random(seed, 'runners') });
  const runs = new Runs({ ...world, jobs, random: new Random(seed, 'runs') });
  const ghes = options.ghes === undefined ? null : parseGhesVersion(options.ghes);
  // A GHES has no rate limits unless its administrator sets them.
  const limits = new Limits(clock, ghes === null ? profile.secondary : null, ghes === null);
  const violations: string[] = [];
  const onViolation = (violation: string): unknown => violations.push(violation);
  const validator = options.validator === false ? null : getSharedValidator();
  const forge = { clock, state, runs, limits, ghes, urls: { api: '', html: '' } };
  const webhookMs = profile.webhookMs ?? [0, 0];
  const hooks = new Hooks({ forge, changes, events, webhookMs, seed, validator, onViolation });
  // After the hooks: an end is told before what it lets begin.
  events.listen((event) => {
    if (event.name === 'workflow_run' && event.action === 'completed') runs.noteEnded(event.run);
  });
  return {
    forge,
    faults: new Faults(new Random(seed, 'faults')),
    profile,
    random: new Random(seed, 'replies'),
    log: new RequestLog(clock, changes),
    validator,
    violations,
    onViolation,
    changes,
    runners,
    hooks,
    seeder: new Seeder({ clock, changes, ids, state, runners, hooks }),
  };
}
