import { describe, expect, it } from 'vitest';
import { ATTEMPT_MOVES, type AttemptState, assertAttemptMove } from './attempt.ts';

const targetsOf = (state: AttemptState | null) =>
  ATTEMPT_MOVES.filter(({ from }) => from === state).map(({ to }) => to);

describe('the moves of an attempt', () => {
  it('begin with the claim, before anything is sent', () => {
    expect(targetsOf(null)).toEqual(['claimed']);
  });

  it('let a reply beat a correlation', () => {
    for (const guess of ['unknown', 'found', 'absent'] as const) {
      expect(targetsOf(guess)).toContain('accepted');
    }
  });

  it('never leave accepted or refused: what the forge has answered stays', () => {
    // An answer that named no run: it surely has one, but nobody can tell which.
    expect(targetsOf('accepted')).toEqual(['ambiguous']);
    expect(targetsOf('refused')).toEqual([]);
  });

  it('call absent only what was unknown, never what the forge has accepted', () => {
    const before = ATTEMPT_MOVES.filter(({ to }) => to === 'absent').map(({ from }) => from);
    expect(before).toEqual(['unknown']);
  });

  it('are listed once each, and asserted by name', () => {
    const edges = ATTEMPT_MOVES.map(({ from, to }) => `${from} ${to}`);
    expect(new Set(edges).size).toBe(edges.length);
    assertAttemptMove('claimed', 'unknown');
    expect(() => {
      assertAttemptMove('refused', 'accepted');
    }).toThrow('no edge refused -> accepted');
    expect(() => {
      assertAttemptMove(null, 'found');
    }).toThrow('no edge nothing -> found');
  });
});
