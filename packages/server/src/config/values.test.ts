import { describe, expect, it } from 'vitest';
import {
  githubOf,
  loadGood,
  loadGroupTemplates,
  loadText,
  oneGroup,
  withLogin,
} from './config.testkit.ts';

const load = (text: string) => loadText(withLogin + text);
const good = (text: string) => loadGood(withLogin + text);

describe('text', () => {
  it.each([
    ['180', '180'],
    ['1.10', '1.10'],
    ['true', 'true'],
    ['0x1F', '0x1F'],
    ['2024-01-01', '2024-01-01'],
    ['1e3', '1e3'],
    ['~', ''],
    ['null', ''],
    ['', ''],
    ['"null"', 'null'],
    ["'it''s'", "it's"],
    ['"a\\tb"', 'a\tb'],
    ['!!str 5', '5'],
    ['nullable', 'nullable'],
  ])('is what the file has: %s', async (written, value) => {
    const [template] = await loadGroupTemplates(`workflow_dispatch_templates:
  - id: t
    owner: o
    repo: r
    workflow_id: 12
    inputs:
      key: ${written}
      1.10: x`);
    expect(template?.inputs).toEqual({ key: value, '1.10': 'x' });
    expect(template?.workflowId).toBe('12');
  });

  it('keeps the lines of block text', async () => {
    const [template] = await loadGroupTemplates(`workflow_dispatch_templates:
  - { id: t, owner: o, repo: r, workflow_id: w }
description: |
  two
  lines`);
    expect(template?.id).toBe('t');
    const config = await good(oneGroup('description: |\n  two\n  lines'));
    expect(config.groups[0]?.description).toBe('two\nlines\n');
  });

  it.each(['[a]', '{ a: b }'])('is not a list or a map: %s', async (written) => {
    const { problems } = await load(oneGroup(`description: ${written}`));
    expect(problems).toEqual([
      expect.stringMatching(/description: is a .*, must be a single value/),
    ]);
  });

  it('takes a key named __proto__ for a key like any other', async () => {
    const [template] = await loadGroupTemplates(
      'workflow_dispatch_templates: [{ id: t, owner: o, repo: r, workflow_id: w, inputs: { __proto__: x } }]',
    );
    expect(Object.entries(template?.inputs ?? {})).toEqual([['__proto__', 'x']]);
  });
});

describe('booleans', () => {
  it.each([
    ['true', true],
    ['True', true],
    ['yes', true],
    ['ON', true],
    ['"yes"', true],
    ['false', false],
    ['no', false],
    ['off', false],
    ["'off'", false],
  ])('reads %s', async (written, value) => {
    expect((await good(`dispatcher: { enabled: ${written} }`)).dispatcher.enabled).toBe(value);
  });

  it('runs the dispatcher where the file does not mention it', async () => {
    expect((await good('dispatcher: { interval: 5s }')).dispatcher.enabled).toBe(true);
    expect((await good('dispatcher: { enabled: }')).dispatcher.enabled).toBe(true);
  });

  it.each(['1', 'ja', '[true]'])('refuses %s', async (written) => {
    const { problems } = await load(`dispatcher: { enabled: ${written} }`);
    expect(problems).toEqual([expect.stringContaining('config.yaml:2:24: dispatcher.enabled: ')]);
  });
});

describe('whole numbers', () => {
  it.each([
    ['90', 90],
    ['+90', 90],
    ['1_000', 1_000],
    ['0x5a', 90],
    ['0o132', 90],
    ['0132', 90],
    ['9e1', 90],
    ['90.0', 90],
  ])('reads %s', async (written, value) => {
    expect(githubOf(await good(`github: { rate_limit_buffer: ${written} }`)).rateLimitBuffer).toBe(
      value,
    );
  });

  it.each(['1.5', 'many', '-5', '9999999999', '1 000', '{}', '"90"', '0x', 'NaN', 'Infinity'])(
    'refuses %s',
    async (written) => {
      const { problems } = await load(`github: { rate_limit_buffer: ${written} }`);
      expect(problems).toEqual([
        expect.stringContaining('config.yaml:2:30: github.rate_limit_buffer: '),
      ]);
    },
  );
});

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['"100ms"', 100],
    ['0s', 60_000],
    ['"0"', 60_000],
    ['""', 60_000],
    ['', 60_000],
    ['10500us', 11],
  ])('reads %s', async (written, ms) => {
    expect(githubOf(await good(`github: { poll_interval: ${written} }`)).pollIntervalMs).toBe(ms);
  });

  it.each(['60', '0', '1.5', '-5s', '5 s', 'soon', '1d', '1ms', '1000h', '[5s]'])(
    'refuses %s (defect #31)',
    async (written) => {
      const { problems } = await load(`github: { poll_interval: ${written} }`);
      expect(problems).toEqual([
        expect.stringContaining('config.yaml:2:26: github.poll_interval: '),
      ]);
    },
  );
});
