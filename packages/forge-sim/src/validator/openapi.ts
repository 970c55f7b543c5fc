/** What we read of an OpenAPI document. */

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  required?: boolean;
  schema: Record<string, unknown>;
}

export interface Content {
  content?: Record<string, { schema: Record<string, unknown> }>;
}

export interface Operation {
  parameters?: ({ $ref: string } | Parameter)[];
  requestBody?: Content;
  responses: Record<string, { $ref: string } | Content>;
}

export type PathItem = Partial<Record<'get' | 'post' | 'put' | 'patch' | 'delete', Operation>>;

export interface Description {
  /** By event and action: `workflow-job-queued`, `ping`. */
  webhooks: Record<string, { post: Operation }>;
  paths: Record<string, PathItem>;
  components: {
    schemas: Record<string, unknown>;
    parameters: Record<string, Parameter>;
    responses: Record<string, Content>;
  };
}
