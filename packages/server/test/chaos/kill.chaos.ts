import { databases } from '../../src/store/databases.testkit.ts';
import { acme } from '../harness/scenes.ts';
import { Site } from '../processes/site.ts';
import { chaos } from './chaos.ts';
import { judge } from './judge.ts';

for (const database of databases) {
  chaos(`kill:${database.name} jobs`, async (context) => {
    const site = await Site.open({ database, forge: acme(4) }, context);
    await site.start();
    const jobs = await site.enqueue(['a', 'b', 'c']);
    context.say('enqueued');
    return judge(site, jobs);
  });
}
