function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In these every key is a name of the described thing, not a keyword. */
const nameMaps = new Set([
  ...['properties', 'schemas', 'paths', 'webhooks', 'parameters', 'responses', 'headers'],
]);

/**
 * OpenAPI 3.0 to JSON schema. `nullable` becomes a choice with null. `oneOf` is read as `anyOf`
 * (an id that is a number fits both halves of `integer | string` once it has come through a URL).
 * Objects whose fields are described are closed: a misspelt field must not pass.
 */
export function toJsonSchema(node: unknown): unknown {
  return convert(node, { isNameMap: false, mayClose: true });
}

interface Place {
  isNameMap: boolean;
  /** False inside `allOf`: closing one part would refuse the fields of the others. */
  mayClose: boolean;
}

function convert(node: unknown, place: Place): unknown {
  if (Array.isArray(node)) {
    return node.map((item) => convert(item, { ...place, isNameMap: false }));
  }
  if (!isRecord(node)) return node;
  const entries = Object.entries(node).map(([key, value]): [string, unknown] => {
    if (place.isNameMap) return [key, convert(value, { isNameMap: false, mayClose: true })];
    if (key === '$ref' && typeof value === 'string') return [key, `github${value}`];
    const isNameMap = nameMaps.has(key) && isRecord(value);
    return [
      key === 'oneOf' ? 'anyOf' : key,
      convert(value, { isNameMap, mayClose: key !== 'allOf' }),
    ];
  });
  const converted: Record<string, unknown> = Object.fromEntries(entries);
  return place.isNameMap ? converted : finish(converted, place.mayClose);
}

function finish(schema: Record<string, unknown>, mayClose: boolean): Record<string, unknown> {
  const { nullable, discriminator: _discriminator, ...rest } = schema;
  const isDescribed = isRecord(rest['properties']) && rest['type'] === 'object';
  if (isDescribed && mayClose && rest['additionalProperties'] === undefined) {
    rest['additionalProperties'] = false;
  }
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest;
}
