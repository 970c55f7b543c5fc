import { onTestFinished } from 'vitest';
import { checkRules } from './rules.ts';
import { World, type WorldOptions } from './world.ts';

/** A server and a forge, started, logged in; both end with the test, and then the rules of every world are checked. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const world = await World.start(options);
  onTestFinished(async ({ task }) => {
    try {
      if (task.result?.state !== 'fail' && world.isRunning) await checkRules(world);
    } finally {
      await world.close();
    }
  });
  await world.login();
  return world;
}
