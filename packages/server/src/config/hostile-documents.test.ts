import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadGroupTemplates, loadText, makeFolder, oneGroup, withLogin } from './config.testkit.ts';
import { loadConfig } from './load.ts';

const withFile = `${withLogin}${oneGroup('workflow_dispatch_templates_files: [t.yaml]')}`;

function loadFile(text: string) {
  return loadText(withFile, { files: { 't.yaml': text } });
}

async function refusalOf(path: string, bytes: Uint8Array): Promise<string> {
  const folder = await makeFolder({ 'config.yaml': withFile });
  await writeFile(join(folder, path), bytes);
  const loading = loadConfig({ path: join(folder, 'config.yaml'), env: {}, fetch });
  return loading.then(
    () => 'none',
    (error: unknown) => String(error).replaceAll(`${folder}/`, ''),
  );
}

describe('a template document', () => {
  it('with 9,000 wrong entries is told by fifty of their faults and a number', async () => {
    const { problems } = await loadFile('- \n'.repeat(9_000));
    expect(problems).toHaveLength(51);
    expect(problems[0]).toMatch(/^t\.yaml:1:3: \[0\]\.id: is missing/);
    expect(problems.at(-1)).toBe('and 35950 more');
  });

  it('with more entries than anyone has is one problem', async () => {
    const { problems } = await loadFile('- \n'.repeat(10_001));
    expect(problems).toEqual([
      't.yaml:1:1: is a list of 10001; write 10000 templates at most into one document',
    ]);
  });

  it.each([String.raw`"a\ud800"`, String.raw`"a\0"`])(
    'with %s is told where: no database keeps it as it is, and the template would have changed at each start',
    async (odd) => {
      const { problems } = await loadFile(
        `- { id: t, owner: o, repo: r, workflow_id: w, name: ${odd}, inputs: { k: ${odd} }, labels: { ${odd}: v } }`,
      );
      const what =
        'holds U\\+0000 or half of a surrogate pair, which cannot be stored; leave it out';
      expect(problems).toEqual([
        expect.stringMatching(`^t\\.yaml:1:\\d+: \\[0\\]\\.name: ${what}$`),
        expect.stringMatching(`^t\\.yaml:1:\\d+: \\[0\\]\\.inputs\\.k: ${what}$`),
        expect.stringMatching(`^t\\.yaml:1:\\d+: \\[0\\]\\.labels\\..*: ${what}$`),
      ]);
    },
  );

  it('with 9,000 aliases is read at once: each is looked up, not searched for', async () => {
    const labels = Array.from({ length: 9_000 }, (_, index) => `l${index}: *v`).join(', ');
    const [template] = await loadGroupTemplates('workflow_dispatch_templates_files: [t.yaml]', {
      files: {
        't.yaml': `- { id: &v t, owner: o, repo: r, workflow_id: w, labels: { ${labels} } }`,
      },
    });
    expect(Object.keys(template?.labels ?? {})).toHaveLength(9_000);
    expect(template?.labels['l8999']).toBe('t');
  });

  it('that gives an anchor a second time means the nearest one before an alias', async () => {
    const [template] = await loadGroupTemplates('workflow_dispatch_templates_files: [t.yaml]', {
      files: {
        't.yaml':
          '- { id: t, owner: o, repo: r, workflow_id: w, inputs: { a: &x 1, b: *x, c: &x 2, d: *x } }',
      },
    });
    expect(template?.inputs).toEqual({ a: '1', b: '1', c: '2', d: '2' });
  });

  it('that repeats a big map by aliases is refused before it has become gigabytes', async () => {
    const map = Array.from({ length: 5_000 }, (_, index) => `k${index}: 1`).join(', ');
    const item = '{ owner: o, repo: r, workflow_id: w, inputs: *m }';
    const { problems } = await loadFile(
      `- { inputs: &m { ${map} } }\n${`- ${item}\n`.repeat(100)}`,
    );
    expect(problems.join('\n')).toContain('too many aliases');
  });

  it('that is nested deeper than anything sensible is no YAML', async () => {
    const { problems } = await loadFile('['.repeat(20_000));
    expect(problems[0]).toMatch(/^t\.yaml:1:\d+: not YAML: nested too deep/);
  });

  it('of more than 1 MiB is not read', async () => {
    const { problems } = await loadFile(`# ${'x'.repeat(1024 * 1024)}\n`);
    expect(problems).toEqual([expect.stringContaining('cannot read t.yaml (more than 1 MiB)')]);
  });

  it('that is a pipe, a folder or a device is not opened for reading', async () => {
    const folder = await makeFolder({
      'config.yaml': `${withLogin}${oneGroup('workflow_dispatch_templates_files: [pipe, folder, /dev/zero]')}`,
    });
    await promisify(execFile)('mkfifo', [join(folder, 'pipe')]);
    await mkdir(join(folder, 'folder'));
    const loading = loadConfig({ path: join(folder, 'config.yaml'), env: {}, fetch });
    const problems = await loading.then(
      () => '',
      (error: unknown) => String(error),
    );
    expect(problems).toMatch(/pipe \(no regular file\)/);
    expect(problems).toMatch(/folder \(a folder; name a file in it\)/);
    expect(problems).toMatch(/\/dev\/zero \(no regular file\)/);
  });
});

describe('a file in another encoding', () => {
  const text = '# Grüße\n- { id: t }\n';
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');

  it.each([
    ['UTF-16, as PowerShell writes it', utf16, 'not UTF-8 but UTF-16; save it as UTF-8'],
    ['UTF-16, big end first', Buffer.from(utf16).swap16(), 'not UTF-8 but UTF-16; save it'],
    ['UTF-16 without a mark', utf16.subarray(2), 'not UTF-8 but UTF-16, UTF-32 or no text'],
    ['Latin-1', Buffer.from(`- a\n${text}`, 'latin1'), 'not UTF-8 in line 2, perhaps Latin-1'],
  ])('is named as such: %s', async (_, bytes, message) => {
    expect(await refusalOf('config.yaml', bytes)).toContain(`config.yaml: ${message}`);
    expect(await refusalOf('t.yaml', bytes)).toContain(`cannot read t.yaml (${message}`);
  });

  it('is not what a UTF-8 mark makes of it', async () => {
    expect(await refusalOf('t.yaml', Buffer.from('\ufeff[]'))).toBe('none');
  });
});
