import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { DoubtedTargets, findDoubt } from './doubt.ts';

const target = fc.record({
  owner: fc.constantFrom('acme', 'ACME', 'other'),
  repo: fc.constantFrom('app', 'lib'),
  workflowId: fc.constantFrom('ci.yml', '.github/workflows/ci.yml', 'other.yml', '7', '8', ''),
  ref: fc.constantFrom(
    'main',
    'refs/heads/main',
    'refs/tags/main',
    'dev',
    'refs/heads/refs/tags/dev',
  ),
});

describe('targets in doubt', () => {
  test.prop([fc.array(target), target])(
    'are those for which a job of other inputs waits',
    (sent, to) => {
      const facts = { jobId: 'before', inputsHash: 'one', claimedAt: 0 };
      const doubts = sent.map((one) => ({ ...one, ...facts }));
      const waits = findDoubt(doubts, { ...to, isNamed: false, inputsHash: 'two' }) !== undefined;
      expect(new DoubtedTargets(sent).has(to)).toBe(waits);
    },
  );
});
