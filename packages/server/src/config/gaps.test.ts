import { expect, it } from 'vitest';
import { loadGood, oneGroup, withLogin } from './config.testkit.ts';
import { listGaps } from './gaps.ts';

it('finds nothing to say of a config that can do its work', async () => {
  const config = await loadGood(`${withLogin}github: { token: t }\n${oneGroup('')}`);
  expect(listGaps(config)).toEqual([]);
});

it('tells what will not happen, and which key decides it', async () => {
  const config = await loadGood(`auth: { github: { enabled: true, client_id: i, client_secret: s } }
dispatcher: { enabled: false }
`);
  expect(listGaps(config)).toEqual([
    expect.stringContaining('dispatcher.enabled is false'),
    expect.stringContaining('github.token is empty'),
    expect.stringContaining('groups.github is empty'),
    expect.stringContaining('nobody can log in'),
  ]);
});
