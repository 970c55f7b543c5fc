import { readFileSync } from 'node:fs';
import { handWrittenPaths } from './hand-written.ts';
import type { Content, Description, Parameter } from './openapi.ts';
import { toJsonSchema } from './to-json-schema.ts';

/** GitHub's published description, with what it lacks, as JSON schema under `github#`. */
export function loadDescription(): Description {
  const file = new URL('./github-actions-openapi.json', import.meta.url);
  const github = JSON.parse(readFileSync(file, 'utf8')) as Description;
  const created = github.components.parameters['created'];
  // Described as one date-time; the same page's text allows search ranges such as `>=T` and `A..B`:
  // docs.github.com/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax
  if (created !== undefined) created.schema = { type: 'string', minLength: 1 };
  mendWebhooks(github);
  const paths = { ...github.paths, ...handWrittenPaths };
  const { webhooks, components } = github;
  return toJsonSchema({ paths, webhooks, components }) as Description;
}

/** An object's schema with the names of its fields. */
interface ObjectSchema {
  properties?: Record<string, ObjectSchema & { allOf?: ObjectSchema[] }>;
  additionalProperties?: boolean;
}

function mendWebhooks({ components }: Description): void {
  const schemas = components.schemas as Record<string, ObjectSchema | undefined>;
  const requested = schemas['webhook-workflow-run-requested']?.properties?.['workflow_run'];
  const started = schemas['webhook-workflow-run-in-progress']?.properties;
  // The same object, but here the description lacks `display_title` and `user_view_type`.
  if (requested !== undefined && started !== undefined) started['workflow_run'] = requested;
  for (const schema of Object.values(schemas)) {
    // Described twice over, by the same names; closing one half is enough to refuse a misspelt one.
    const [first] = schema?.properties?.['workflow_job']?.allOf ?? [];
    if (first !== undefined) first.additionalProperties = false;
  }
}

export function resolveParameter(
  description: Description,
  parameter: { $ref: string } | Parameter,
): Parameter {
  if (!('$ref' in parameter)) return parameter;
  const name = parameter.$ref.slice(parameter.$ref.lastIndexOf('/') + 1);
  const found = description.components.parameters[name];
  if (found === undefined) throw new Error(`description: no parameter ${name}`);
  return found;
}

/** The schema of a reply's JSON body; `undefined`: the reply has none. */
export function findReplySchema(
  description: Description,
  response: { $ref: string } | Content,
): Record<string, unknown> | undefined {
  if (!('$ref' in response)) return response.content?.['application/json']?.schema;
  const name = response.$ref.slice(response.$ref.lastIndexOf('/') + 1);
  return description.components.responses[name]?.content?.['application/json']?.schema;
}
