import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as contract from './index.ts';

const named = Object.entries(contract).flatMap(([name, value]) =>
  value instanceof z.ZodObject ? [[name, value] as const] : [],
);

describe('the contract', () => {
  it.each(named)('%s can be shown in an API description, under a name', (name, schema) => {
    const id = name === 'ErrorBody' ? 'Error' : name;
    const io = name.endsWith('Request') ? 'input' : 'output';
    const { $ref, $defs } = z.toJSONSchema(schema, { io });
    expect($ref).toBe(`#/$defs/${id}`);
    expect($defs?.[id]).toMatchObject({ type: 'object' });
  });

  it('lets clients meet a reason for waiting that they do not know', () => {
    const why = {
      code: 'a-code-of-next-year',
      message: 'because',
      since: '2026-01-01T12:00:00.000Z',
      ahead: 0,
      free: 0,
      fitting: 0,
      held_by: [],
      retry_at: null,
      labels_missing: [],
      template_change: null,
      actions: ['an-action-of-next-year'],
    };
    expect(contract.WhyWaiting.parse(why)).toEqual(why);
  });

  it('fills in what a request to add a job leaves out', () => {
    expect(contract.AddJobRequest.parse({})).toEqual({
      priority: 0,
      auto_requeue: false,
      requeue_limit: null,
    });
  });

  it('shows inputs and labels as a map of texts, whatever they are called, and as nothing else', () => {
    const map: unknown = JSON.parse('{"__proto__":"x","y":"z"}');
    expect(JSON.stringify(contract.Job.shape.inputs.parse(map))).toBe('{"__proto__":"x","y":"z"}');
    for (const odd of [{ a: 1 }, ['a'], 'a']) {
      expect(contract.Job.shape.inputs.safeParse(odd).success).toBe(false);
    }
    const { $defs } = z.toJSONSchema(contract.Job);
    expect($defs?.['Job']?.properties?.['labels']).toEqual({
      type: 'object',
      additionalProperties: { type: 'string' },
    });
  });

  it('drops fields that no schema names, so that no column leaks', () => {
    expect(contract.ErrorBody.parse({ error: 'x', password_hash: 'y' })).toEqual({ error: 'x' });
  });
});
