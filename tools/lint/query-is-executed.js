/**
 * A Kysely query does nothing until somebody calls `execute`: one that is built and dropped is a write that never
 * happens, and neither the compiler nor no-floating-promises sees it (a builder is no promise).
 *
 * Looks at what a statement throws away: its value has `compile` and `execute`. Needs type information.
 *
 * @type {import('eslint').Rule.RuleModule}
 */
export const queryIsExecuted = {
  meta: {
    type: 'problem',
    docs: { description: 'a query that is built is executed' },
    schema: [],
    messages: { dropped: 'this query is built and never executed: end it with .execute()' },
  },

  create(context) {
    const services = /** @type {TypeServices} */ (context.sourceCode.parserServices);

    return {
      ExpressionStatement(statement) {
        for (const node of listDropped(statement.expression)) {
          const type = services.getTypeAtLocation(node);
          const isQuery = ['compile', 'execute'].every((name) => type.getProperty(name));
          if (isQuery) context.report({ node, messageId: 'dropped' });
        }
      },
    };
  },
};

/**
 * What typescript-eslint's parser adds to a file it has types of.
 *
 * @typedef {object} TypeServices
 * @property {(node: import('estree').Node) => import('typescript').Type} getTypeAtLocation
 */

/**
 * The values an expression statement drops: both arms of a condition, what stands behind `await`, `void` and `&&`.
 *
 * @param {import('estree').Expression} node
 * @returns {import('estree').Expression[]}
 */
function listDropped(node) {
  if (node.type === 'AwaitExpression' || node.type === 'UnaryExpression') {
    return listDropped(node.argument);
  }
  if (node.type === 'LogicalExpression') return [node.left, node.right].flatMap(listDropped);
  if (node.type === 'ConditionalExpression') {
    return [node.consequent, node.alternate].flatMap(listDropped);
  }
  if (node.type === 'SequenceExpression') return node.expressions.flatMap(listDropped);
  return [node];
}
