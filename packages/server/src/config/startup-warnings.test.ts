import { expect, it } from 'vitest';
import { loadGood, oneGroup, withLogin } from './config.testkit.ts';
import { listStartupWarnings } from './startup-warnings.ts';

it('finds nothing to say of a config that can do its work', async () => {
  const config = await loadGood(`${withLogin}github: { token: t }\n${oneGroup('')}`);
  expect(listStartupWarnings(config)).toEqual([]);
});

it('tells what will not happen, and which key decides it', async () => {
  const config = await loadGood(`auth: { github: { enabled: true, client_id: i, client_secret: s } }
dispatcher: { enabled: false }
`);
  expect(listStartupWarnings(config)).toEqual([
    expect.stringContaining('dispatcher.enabled is false'),
    expect.stringContaining('github.token is empty'),
    expect.stringContaining('groups.github is empty'),
    expect.stringContaining('nobody can log in'),
  ]);
});

it('names the templates whose runs are known by their time alone, and the two lines that mend it', async () => {
  const template = (id: string, more = ''): string =>
    `  - { id: ${id}, name: ${id}, owner: o, repo: r, workflow_id: w.yml, ref: main${more} }`;
  const list = [template('named', ', correlation_input: dispatch_id')];
  for (let n = 1; n <= 12; n += 1) list.push(template(`plain-${n}`));
  const lines = `workflow_dispatch_templates:\n${list.join('\n')}`;
  const config = await loadGood(`${withLogin}github: { token: t }\n${oneGroup(lines)}`);
  const [warning = '', ...others] = listStartupWarnings(config);
  expect(others).toEqual([]);
  expect(warning).toContain('(plain-1, plain-2, ');
  expect(warning).toContain('plain-10 and 2 more)');
  expect(warning).toContain('`correlation_input: dispatch_id` in the template');
  expect(warning).toContain('`run-name: ${{ github.workflow }} ${{ inputs.dispatch_id }}`');
});
