import { expect, it } from 'vitest';
import { fitConnections } from './fit-connections.ts';

it.each([
  ['the limit of the process is not known', undefined],
  ['there are descriptors for all', 100_000],
])('takes as many connections as are wanted where %s', (_, descriptors) => {
  expect(fitConnections(2_000, descriptors, 25)).toEqual({ most: 2_000 });
});

it('keeps descriptors for the forge and the database, and says what to do', () => {
  const { most, problem } = fitConnections(2_000, 1_024, 25);
  expect(most).toBe(849);
  expect(problem).toContain('server.max_connections is 2000');
  expect(problem).toContain('only 1024 files and sockets');
  expect(problem).toContain('set server.max_connections to 849');
});

it('takes some even where there is hardly anything', () => {
  expect(fitConnections(2_000, 64, 25).most).toBe(10);
});
