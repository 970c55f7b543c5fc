import { describe, expect, it } from 'vitest';
import type { Run } from '../domain/attempt.ts';
import { databases, useDatabase } from './databases.testkit.ts';
import { sceneOn } from './dispatch.testkit.ts';

const MESSAGE = 'outcome-ambiguous: run 7';

for (const kind of databases) {
  describe(`whether runs bear their id, where the forge names none, on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const scene = sceneOn(at);
    const { start, lease, claimNew, dispatch, told, run, runs } = scene;

    const begin = async () => {
      await start();
      await scene.addTemplate('u', { correlationInput: 'id' });
    };
    const claim = async () => {
      at.clock.advance(1);
      return (await claimNew(await lease(), { templateId: 'u' })).attempt;
    };
    const accepted = async () => {
      const attempt = await claim();
      await dispatch().recordAccepted(attempt.id, { runId: null, runUrl: '' });
      return attempt;
    };
    const end = (id: string) =>
      runs().concludeAmbiguous(id, MESSAGE, { unnamedRun: run('7', { status: 'completed' }) });
    /** Its run is found by the id in its name. */
    const find = async (id: string, over: Partial<Run> = {}) => {
      const found = run(`run of ${id}`, { name: `Build ${id}`, ...over });
      await runs().matchRun(id, found, 'input');
      return told(() => runs().recordRun(id, found, 100));
    };
    const isNamedNext = async () => (await claim()).isNamed;

    it('is learnt from an accepted attempt that ends ambiguous, which is warned of once', async () => {
      await begin();
      const [first, second] = [await accepted(), await accepted()];
      expect([first.isNamed, second.isNamed]).toEqual([true, true]);
      expect(await told(() => end(first.id))).toEqual([
        ...['attempt.ambiguous', 'target.unnamed', 'job.failed'],
      ]);
      expect(await told(() => end(second.id))).toEqual(['attempt.ambiguous', 'job.failed']);
      expect(await isNamedNext()).toBe(false);
    });

    it('is not learnt from one whose answer was lost, though it was taken for accepted', async () => {
      await begin();
      const lost = await claim();
      await dispatch().recordUnknown(lost.id, '502');
      expect(await told(() => end(lost.id))).toEqual(['attempt.ambiguous', 'job.failed']);
      expect(await isNamedNext()).toBe(true);
    });

    it('is not learnt from what is told by its time', async () => {
      await begin();
      await end((await accepted()).id);
      const byTime = await accepted();
      expect(byTime.isNamed).toBe(false);
      // The file was mended.
      expect(await find((await accepted()).id)).toContain('target.named');
      at.clock.advance(1);
      expect(await told(() => end(byTime.id))).not.toContain('target.unnamed');
      expect(await isNamedNext()).toBe(true);
    });

    it('is learnt anew once a run bears its id, though it is told by its time', async () => {
      await begin();
      const old = await accepted();
      await end((await accepted()).id);
      const byTime = await accepted();
      expect(byTime).toMatchObject({ isNamed: false, correlationInput: 'id' });
      expect(await find(byTime.id)).toContain('target.named');
      expect(await isNamedNext()).toBe(true);
      // Sent before the file was mended.
      expect(await told(() => end(old.id))).not.toContain('target.unnamed');
      expect(await isNamedNext()).toBe(true);
    });

    it('is learnt anew where its run was taken by its time before its name was there', async () => {
      await begin();
      await end((await accepted()).id);
      const { id } = await accepted();
      await runs().matchRun(id, run('9'), 'order');
      await runs().recordRun(id, run('9'), 100);
      const named = run('9', { name: `Build ${id}`, status: 'in_progress' });
      expect(await told(() => runs().recordRun(id, named, 200))).toContain('target.named');
      expect(await isNamedNext()).toBe(true);
    });

    it.each([
      ['workflow', { path: '.github/workflows/next.yml', workflowId: '9' }],
      ['branch', { branch: 'next' }],
      ['branch that is not told', { branch: '' }],
    ])('is not learnt from a run of another %s that was handed the id on', async (_, other) => {
      await begin();
      await end((await accepted()).id);
      expect(await find((await accepted()).id, other)).not.toContain('target.named');
      expect(await isNamedNext()).toBe(false);
    });

    it('says nothing of a commit: a copy of the id may have come into a name by another input', async () => {
      await begin();
      const attempt = await accepted();
      await find(attempt.id, { headSha: 'beef' });
      expect(await runs().listNamedCommits([attempt], ['beef'])).toEqual(new Set());
    });
  });
}
