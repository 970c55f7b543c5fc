import { expect, it } from 'vitest';
import { uuidv7 } from './ids.ts';

it('makes version 7 ids that sort by time, also within one millisecond', () => {
  const now = Date.UTC(2026, 0, 1);
  const ids = [...Array.from({ length: 5_000 }, () => uuidv7(now)), uuidv7(now + 10)];
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

it('keeps ids in order when the wall clock steps back', () => {
  const later = uuidv7(Date.UTC(2026, 0, 2));
  expect(uuidv7(Date.UTC(2026, 0, 1)) > later).toBe(true);
});
