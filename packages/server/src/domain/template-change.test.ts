import { expect, it } from 'vitest';
import { findTemplateChange, type TemplateContent } from './template-change.ts';

const then: TemplateContent = {
  ...{ owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main' },
  defaultInputs: { level: '1', old: 'x' },
};
const job = {
  ...{ owner: null, repo: null, workflowId: null, ref: null },
  inputs: { level: '1', old: 'x', given: 'y' },
};

it('a changed template says where a job would go, and with which inputs', () => {
  const now = { ...then, ref: 'v2', defaultInputs: { level: '2', more: 'z' } };
  const { owner, repo, workflowId } = then;
  expect(findTemplateChange(job, then, now)).toEqual({
    queued: { owner, repo, workflowId, ref: 'main' },
    now: { owner, repo, workflowId, ref: 'v2' },
    inputs: { level: '2', more: 'z', given: 'y' },
  });
});

it('what somebody gave stays, also where the template names it', () => {
  const given = { ...job, inputs: { level: '7', old: 'x' } };
  const now = { ...then, defaultInputs: { level: '2' } };
  expect(findTemplateChange(given, then, now)?.inputs).toEqual({ level: '7' });
});

it('a change that a job overrides is none for it', () => {
  const overridden = { ...job, ref: 'dev' };
  expect(findTemplateChange(overridden, then, { ...then, ref: 'v2' })).toBeUndefined();
  expect(findTemplateChange(job, then, { ...then })).toBeUndefined();
});
