import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { MissingFor } from './missing-for.ts';

const target = { owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main' };

it('how long a workflow is not found is counted from the first such answer, and anew after any other', async () => {
  const clock = new FakeClock();
  const missing = new MissingFor(clock);
  expect(missing.note(target)).toBe(0);
  await clock.advance(2_000);
  expect(missing.note({ ...target, ref: 'next' })).toBe(0);
  expect(missing.note(target)).toBe(2_000);
  missing.forget(target);
  expect(missing.note(target)).toBe(0);
});
