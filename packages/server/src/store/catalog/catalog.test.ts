import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { makeEventStore } from '../events.ts';
import { makeJobStore } from '../jobs/jobs.ts';
import { makeLeaseStore } from '../leases.ts';
import type { SyncGroup, SyncTemplate } from '../port/catalog.ts';
import type { NewJob } from '../port/jobs.ts';
import { makeRetentionStore } from '../retention.ts';
import { makeRunnerStore } from '../runners/runners.ts';
import { makeCatalogStore } from './catalog.ts';

const FORGE = { id: 'f', kind: 'github' };

function template(id: string, change: Partial<SyncTemplate> = {}): SyncTemplate {
  return {
    ...{ id, name: `name of ${id}`, owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main' },
    ...{ defaultInputs: { level: '1' }, labels: null, runners: 1, correlationInput: null },
    ...{ sourceType: 'inline', sourcePath: '' },
    ...change,
  };
}

function group(id: string, change: Partial<SyncGroup> = {}): SyncGroup {
  return {
    ...{ id, name: `name of ${id}`, description: '', runnerLabels: ['linux'] },
    ...{ runnerScopes: null, maxParallel: null, templates: [] },
    ...change,
  };
}

function job(groupId: string, templateId: string | null, change: Partial<NewJob> = {}): NewJob {
  return {
    ...{ groupId, templateId, inputs: null, priority: 0, autoRequeue: false, requeueLimit: null },
    ...{ createdBy: 'alice', name: null, owner: null, repo: null, workflowId: null, ref: null },
    labels: null,
    ...change,
  };
}

for (const kind of databases) {
  describe(`groups and templates on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const catalog = () => makeCatalogStore(at.database);
    const sync = (...groups: SyncGroup[]) => catalog().sync(FORGE, groups);
    const enqueue = async (...args: Parameters<typeof job>) =>
      (await makeJobStore(at.database).enqueue(job(...args), undefined)).job;
    const emitted = async () =>
      (await makeEventStore(at.database).listAfter(0, 1_000)).map((event) => [
        event.kind,
        event.subjectId,
        event.data['changed'],
      ]);
    const newlyEmitted = async (write: () => Promise<unknown>) => {
      const before = (await emitted()).length;
      await write();
      return (await emitted()).slice(before);
    };

    it('become what the config says', async () => {
      const wanted = group('g', {
        ...{ description: 'd', runnerLabels: ['b', 'a'], runnerScopes: ['org:acme'] },
        ...{ maxParallel: 3, templates: [template('t', { labels: { team: 'x' }, runners: 2 })] },
      });
      await sync(wanted);
      const { templates, ...fields } = wanted;
      const now = at.clock.now();
      expect(await catalog().findGroup('g')).toEqual({
        ...fields,
        ...{ forgeId: 'f', labelCase: 'ignored', isEnabled: true, isPaused: false },
        ...{ createdAt: now, updatedAt: now },
      });
      expect(await catalog().listTemplates('g')).toEqual([
        { ...templates[0], groupId: 'g', inConfig: true, createdAt: now, updatedAt: now },
      ]);
      expect(await emitted()).toEqual([
        ['group.synced', 'g', ['added']],
        ['template.synced', 't', ['added']],
      ]);
    });

    it('are not written when they are that already', async () => {
      const wanted = [group('a', { templates: [template('t')] }), group('b')];
      await sync(...wanted);
      const before = [await catalog().listGroups(), await catalog().listTemplates('a')];
      at.clock.advance(1_000);
      expect(await newlyEmitted(() => sync(...wanted))).toEqual([]);
      expect([await catalog().listGroups(), await catalog().listTemplates('a')]).toEqual(before);
    });

    it('tell only of what differs; whether a group is paused and how old it is stays', async () => {
      await sync(group('a', { templates: [template('t'), template('u')] }), group('b'));
      const before = await catalog().setGroupPaused('a', true, 'alice');
      at.clock.advance(1_000);
      const changed = group('a', {
        description: 'new',
        templates: [template('t', { ref: 'dev', repo: 'lib' }), template('u')],
      });
      expect(await newlyEmitted(() => sync(changed, group('b')))).toEqual([
        ['group.synced', 'a', ['description']],
        ['template.synced', 't', ['repo', 'ref']],
      ]);
      expect(await catalog().findGroup('a')).toEqual({
        ...before,
        description: 'new',
        updatedAt: at.clock.now(),
      });
      expect(await catalog().findTemplate('t')).toMatchObject({ ref: 'dev', repo: 'lib' });
    });

    it('move a template with its id to another group; its jobs stay where they are (defect #12)', async () => {
      await sync(group('a', { templates: [template('t')] }), group('b'));
      const before = await enqueue('a', 't');
      expect(
        await newlyEmitted(() => sync(group('a'), group('b', { templates: [template('t')] }))),
      ).toEqual([['template.synced', 't', ['group_id']]]);
      expect(await catalog().listTemplates('a')).toEqual([]);
      expect(await catalog().findTemplate('t')).toMatchObject({ groupId: 'b', inConfig: true });
      expect((await makeJobStore(at.database).findJob(before.id))?.groupId).toBe('a');
      await expect(enqueue('a', 't')).rejects.toMatchObject({ code: 'unknown-template' });
      expect((await enqueue('b', 't')).groupId).toBe('b');
    });

    it('disable a group that left the config, and enable it when it is back (defect #13)', async () => {
      await sync(group('a', { templates: [template('t')] }), group('b'));
      await enqueue('a', 't');
      expect(await newlyEmitted(() => sync(group('b')))).toEqual([
        ['group.left-config', 'a', undefined],
        ['template.synced', 't', ['in_config']],
      ]);
      expect(await catalog().findGroup('a')).toMatchObject({ isEnabled: false });
      expect(await newlyEmitted(() => sync(group('b')))).toEqual([]);
      await sync(group('a', { templates: [template('t')] }), group('b'));
      expect(await catalog().findGroup('a')).toMatchObject({ isEnabled: true });
      expect(await catalog().findTemplate('t')).toMatchObject({ inConfig: true });
    });

    it('may share a name (defect #13)', async () => {
      await sync(group('a', { name: 'same' }), group('b', { name: 'same' }));
      expect((await catalog().listGroups()).map((each) => each.id)).toEqual(['a', 'b']);
    });

    it('leave the groups of other forges alone', async () => {
      await catalog().sync({ id: 'other', kind: 'forgejo' }, [
        group('o', { templates: [template('to')] }),
      ]);
      await sync(group('a'));
      await sync();
      expect(await catalog().findGroup('o')).toMatchObject({ isEnabled: true, forgeId: 'other' });
      expect(await catalog().findTemplate('to')).toMatchObject({ inConfig: true });
    });

    it('leave templates alone whose source could not be read, those of other groups and sources not', async () => {
      const from = (sourcePath: string) => ({ sourceType: 'url', sourcePath }) as const;
      const [kept, left, elsewhere] = [
        template('kept', from('a')),
        template('left', from('b')),
        template('elsewhere', from('a')),
      ];
      await sync(group('g', { templates: [kept, left] }), group('h', { templates: [elsewhere] }));
      const again = () => sync(group('g', { unreadSources: ['a'] }), group('h'));
      await again();
      expect(await catalog().findTemplate('kept')).toMatchObject({ inConfig: true });
      expect(await catalog().findTemplate('left')).toBeUndefined();
      expect(await catalog().findTemplate('elsewhere')).toBeUndefined();
      expect(await newlyEmitted(again)).toEqual([]);
    });

    it('delete a template that left the config when no job was made from it, now or later', async () => {
      await sync(group('a', { templates: [template('used'), template('unused')] }));
      await enqueue('a', 'used');
      await sync(group('a'));
      expect(await catalog().findTemplate('unused')).toBeUndefined();
      expect(await catalog().findTemplate('used')).toMatchObject({ inConfig: false });
      await at.database.write(async ({ db }) => {
        await db.updateTable('jobs').set({ state: 'completed', completed_at: 1 }).execute();
      });
      await makeRetentionStore(at.database).deleteEndedJobs(2, 10);
      expect(await newlyEmitted(() => sync(group('a')))).toEqual([
        ['template.synced', 'used', ['deleted']],
      ]);
      expect(await catalog().findTemplate('used')).toBeUndefined();
      expect(await newlyEmitted(() => sync(group('a')))).toEqual([]);
    });

    it('are synced once by servers that start together', async () => {
      const wanted = [group('a', { templates: [template('t')] })];
      await Promise.all([sync(...wanted), makeCatalogStore(at.replica).sync(FORGE, wanted)]);
      expect(await emitted()).toHaveLength(2);
    });

    it('are all synced or none', async () => {
      await sync(group('a'));
      const broken = group('b', { name: null as unknown as string });
      await expect(sync(group('a', { description: 'new' }), broken)).rejects.toThrow();
      expect(await catalog().listGroups()).toMatchObject([{ id: 'a', description: '' }]);
      expect(await emitted()).toHaveLength(1);
    });

    it('pause and resume a group, and tell of it once', async () => {
      await sync(group('a'));
      const paused = await newlyEmitted(() =>
        Promise.all([
          catalog().setGroupPaused('a', true, 'alice'),
          makeCatalogStore(at.replica).setGroupPaused('a', true, 'bob'),
        ]),
      );
      expect(paused).toEqual([['group.paused', 'a', undefined]]);
      expect(await catalog().findGroup('a')).toMatchObject({ isPaused: true });
      expect(await newlyEmitted(() => catalog().setGroupPaused('a', false, 'alice'))).toEqual([
        ['group.resumed', 'a', undefined],
      ]);
      expect(await catalog().setGroupPaused('none', true, 'alice')).toBeUndefined();
    });

    it('list by name, and find many templates at once', async () => {
      const templates = [template('t1', { name: 'z' }), template('t2', { name: 'a' })];
      await sync(group('b', { name: 'second', templates }), group('a', { name: 'third' }));
      expect((await catalog().listGroups()).map((each) => each.name)).toEqual(['second', 'third']);
      expect((await catalog().listTemplates('b')).map((each) => each.id)).toEqual(['t2', 't1']);
      expect(await catalog().listTemplates('none')).toEqual([]);
      const found = await catalog().findTemplates(['t1', 't2', 'none']);
      expect(found.map((each) => each.id).sort()).toEqual(['t1', 't2']);
      expect(await catalog().findTemplates([])).toEqual([]);
    });

    it('count jobs, runners and templates of each group (defect #33)', async () => {
      await sync(
        group('a', { runnerLabels: ['linux'], templates: [template('t'), template('u')] }),
        group('b', { runnerLabels: ['linux', 'gpu'] }),
        group('c', { runnerLabels: ['mac'] }),
      );
      await enqueue('a', 't');
      await enqueue('a', 't');
      await enqueue('b', null, { owner: 'acme', repo: 'x', workflowId: 'w', ref: 'r' });
      const fence = (await makeLeaseStore(at.database).tryAcquire('poll', 'me', 60_000))!;
      const runners = makeRunnerStore(at.database);
      await runners.setScopes(fence, 'f', ['org:acme']);
      const seen = (
        forgeRunnerId: string,
        labels: string[],
        status: 'online' | 'offline',
        isBusy: boolean,
      ) => ({ forgeRunnerId, name: forgeRunnerId, labels, os: 'linux', status, isBusy }) as const;
      await runners.recordListing(fence, {
        ...{ forgeId: 'f', scope: 'org:acme', sentAt: 1, unseenMs: 180_000, etags: [] },
        runners: [
          seen('1', ['linux'], 'online', false),
          seen('2', ['gpu', 'linux'], 'online', true),
          seen('3', ['linux', 'gpu'], 'offline', true),
          seen('4', ['linux'], 'offline', false),
        ],
      });
      const stats = await catalog().listGroupsWithStats();
      const numbers = stats.map((each) => [
        ...[each.id, each.queuedJobs, each.runningJobs, each.templateCount],
        ...[each.idleRunners, each.busyRunners, each.onlineRunners, each.totalRunners],
      ]);
      expect(numbers).toEqual([
        ['a', 2, 0, 2, 1, 2, 2, 4],
        ['b', 1, 0, 0, 0, 2, 1, 2],
        ['c', 0, 0, 0, 0, 0, 0, 0],
      ]);
    });

    it('say where jobs go: templates in the config, and jobs that have not ended', async () => {
      const templates = [template('t'), template('u', { repo: 'gone' })];
      await sync(group('a', { templates }), group('off', { templates: [template('v')] }));
      const left = await enqueue('a', 'u');
      await enqueue('a', 't', { owner: 'other' });
      await enqueue('a', 't', { repo: '' });
      const manual = { owner: 'acme', repo: 'lib', workflowId: 'w', ref: 'r' };
      await enqueue('a', null, manual);
      const ended = await enqueue('a', null, { ...manual, repo: 'done' });
      await enqueue('off', null, manual);
      await at.database.write(async ({ db }) => {
        await db
          .updateTable('jobs')
          .set({ state: 'cancelled', completed_at: 1 })
          .where('id', '=', ended.id)
          .execute();
      });
      await sync(group('a', { templates: [template('t')] }));
      const used = async () =>
        (await makeRunnerStore(at.database).listUsedRepos('f')).map((each) =>
          Object.values(each).join(' '),
        );
      const stay = ['a acme app', 'a acme lib', 'a other app'];
      expect((await used()).sort()).toEqual(['a acme app', 'a acme gone', ...stay.slice(1)]);
      await makeJobStore(at.database).deleteJob(left.id, 'alice');
      expect((await used()).sort()).toEqual(stay);
      expect(await makeRunnerStore(at.database).listUsedRepos('other')).toEqual([]);
    });

    it('say where the jobs go of a template that has moved to another group', async () => {
      const templates = [template('t', { owner: 'far' })];
      await sync(group('a', { templates }), group('b'));
      await enqueue('a', 't');
      await sync(group('a'), group('b', { templates }));
      const used = await makeRunnerStore(at.database).listUsedRepos('f');
      expect(used.map(({ groupId, owner }) => `${groupId} ${owner}`).sort()).toEqual([
        'a far',
        'b far',
      ]);
    });
  });
}
