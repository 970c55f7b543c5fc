import type { PathItem } from './openapi.ts';

function text(name: string): {
  name: string;
  in: 'path';
  required: true;
  schema: { type: string };
} {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}

function json(schema: Record<string, unknown>): {
  content: Record<string, { schema: Record<string, unknown> }>;
} {
  return { content: { 'application/json': { schema } } };
}

/**
 * What the copied description leaves out.
 *
 * Enterprise runners: docs.github.com/enterprise-cloud@latest/rest/actions/self-hosted-runners
 * ("List self-hosted runners for an enterprise"; the same body as for an organisation).
 * Users: docs.github.com/rest/users/users ("Get a user").
 */
export const handWrittenPaths: Record<string, PathItem> = {
  '/enterprises/{enterprise}/actions/runners': {
    get: {
      parameters: [
        { name: 'name', in: 'query', schema: { type: 'string' } },
        text('enterprise'),
        { $ref: '#/components/parameters/per-page' },
        { $ref: '#/components/parameters/page' },
      ],
      responses: {
        '200': json({
          type: 'object',
          required: ['total_count', 'runners'],
          properties: {
            total_count: { type: 'integer' },
            runners: { type: 'array', items: { $ref: '#/components/schemas/runner' } },
          },
        }),
      },
    },
  },
  '/users/{username}': {
    get: {
      parameters: [text('username')],
      responses: {
        '200': json({
          anyOf: [
            { $ref: '#/components/schemas/private-user' },
            { $ref: '#/components/schemas/public-user' },
          ],
        }),
        '404': { $ref: '#/components/responses/not_found' },
      },
    },
  },
};
