import { isBuiltin } from 'node:module';
import { dirname, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { walled, walls, workspaces } from './walls.js';

const repositoryDir = resolve(import.meta.dirname, '../..');
const tableAt = 'the walls are the table in tools/lint/walls.js';

/**
 * What a specifier leads to: one of Node's modules, an npm package by name, or a path from the root of the repository.
 *
 * @typedef {{ node: string } | { npm: string } | { path: string }} Target
 */

/** @type {import('eslint').Rule.RuleModule} */
export const importsKeepWalls = {
  meta: {
    type: 'problem',
    docs: { description: 'imports stay within what tools/lint/walls.js lists' },
    schema: [],
    messages: {
      notListed: `"{{from}}" may not import "{{to}}" ({{what}}): ${tableAt}`,
      typesOnly: `"{{from}}" may import only types of "{{to}}" ({{what}}), write "import type": ${tableAt}`,
      onlyFile: `"{{from}}" may import of "{{to}}" only {{files}}, not {{what}}: ${tableAt}`,
      testCode: `"{{from}}" may not import the test code {{what}}: only tests may`,
      noRoom: `this file is in no room: name its folder in the table in tools/lint/walls.js`,
      notLiteral: `"{{from}}" may not import a computed name, nobody can check it: ${tableAt}`,
    },
  },

  create(context) {
    const file = pathFromRoot(context.filename);
    if (isTestCode(file) || !walled.includes(file.split('/')[0] ?? '')) return {};
    const from = findRoom(file);
    if (from === undefined) {
      return { Program: (node) => context.report({ node, messageId: 'noRoom' }) };
    }

    /**
     * @param {import('estree').Node} node
     * @param {unknown} source The node that holds the specifier.
     * @param {boolean} isType
     */
    function check(node, source, isType) {
      const specifier = findLiteral(source);
      if (specifier === undefined) {
        context.report({ node, messageId: 'notLiteral', data: { from: String(from) } });
        return;
      }
      const problem = findProblem(
        String(from),
        resolveSpecifier(specifier, context.filename),
        isType,
      );
      if (problem) context.report({ node, ...problem });
    }

    return {
      ImportDeclaration: (node) => check(node, node.source, isTypeOnly(node, 'importKind')),
      ExportAllDeclaration: (node) => check(node, node.source, isTypeOnly(node, 'exportKind')),
      ExportNamedDeclaration: (node) => {
        if (node.source) check(node, node.source, isTypeOnly(node, 'exportKind'));
      },
      ImportExpression: (node) => check(node, node.source, false),
      CallExpression: (node) => {
        const isRequire = node.callee.type === 'Identifier' && node.callee.name === 'require';
        if (isRequire) check(node, node.arguments[0], false);
      },
      /** @param {import('estree').Node & { source: unknown }} node A type written as import('…').Name */
      TSImportType: (node) => check(node, node.source, true),
      /** @param {import('estree').Node & { expression: unknown }} node import x = require('…') */
      TSExternalModuleReference: (node) => check(node, node.expression, false),
    };
  },
};

/**
 * @param {string} from
 * @param {Target} target
 * @param {boolean} isType
 */
function findProblem(from, target, isType) {
  const allowed = walls[from]?.mayImport ?? [];
  if ('node' in target) {
    return allowed.includes('node') ? undefined : notListed(from, "Node's modules", target.node);
  }
  if ('npm' in target) {
    const isListed = allowed.includes('npm') || allowed.includes(`npm:${target.npm}`);
    return isListed ? undefined : notListed(from, 'npm packages', target.npm);
  }
  const what = target.path;
  if (isTestCode(what)) return { messageId: 'testCode', data: { from, what } };
  const to = findRoom(what);
  if (to === undefined) return notListed(from, 'no room', what);
  if (to === from || allowed.includes(to)) return undefined;
  if (allowed.includes(`types of ${to}`)) {
    return isType ? undefined : { messageId: 'typesOnly', data: { from, to, what } };
  }
  const files = allowed.filter((entry) => entry.startsWith(`${to}/`));
  if (files.length === 0) return notListed(from, to, what);
  const isPort = files.includes(`${to}/${posix.relative(walls[to]?.at ?? '', what)}`);
  return isPort
    ? undefined
    : { messageId: 'onlyFile', data: { from, to, files: files.join(', '), what } };
}

/**
 * @param {string} from
 * @param {string} to
 * @param {string} what
 */
function notListed(from, to, what) {
  return { messageId: 'notListed', data: { from, to, what } };
}

/**
 * @param {string} specifier
 * @param {string} importer Absolute.
 * @returns {Target}
 */
function resolveSpecifier(specifier, importer) {
  if (isBuiltin(specifier)) return { node: specifier };
  if (specifier.startsWith('file:')) return { path: pathFromRoot(fileURLToPath(specifier)) };
  if (/^[./]/.test(specifier)) {
    // A query (`./x.ts?raw`) does not change which file it is.
    const path = specifier.replace(/[?#].*$/, '');
    return { path: pathFromRoot(resolve(dirname(importer), path)) };
  }
  const parts = specifier.split('/');
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  const workspaceDir = workspaces[name];
  if (workspaceDir === undefined) return { npm: name };
  return { path: posix.join(workspaceDir, specifier.slice(name.length)) };
}

/** @param {string} path From the root of the repository. */
export function findRoom(path) {
  return Object.keys(walls).find((name) => {
    const at = walls[name]?.at ?? '';
    return path === at || path.startsWith(`${at}/`);
  });
}

/** @param {string} path From the root of the repository. */
function isTestCode(path) {
  return /\.(test|testkit)\.tsx?$/.test(path) || /^packages\/[^/]+\/test\//.test(path);
}

/** @param {string} path */
function pathFromRoot(path) {
  return relative(repositoryDir, path).split(sep).join('/');
}

/**
 * Only `import type` and `export type` vanish: `import { type X }` still loads the file (verbatimModuleSyntax).
 *
 * @param {object} node
 * @param {string} key
 */
function isTypeOnly(node, key) {
  return Object.entries(node).some(([name, value]) => name === key && value === 'type');
}

/**
 * @param {unknown} node
 * @returns {string | undefined}
 */
function findLiteral(node) {
  const { type, value, quasis } =
    /** @type {{ type?: string, value?: unknown, quasis?: { value: { cooked: string } }[] }} */ (
      node ?? {}
    );
  if (type === 'Literal' && typeof value === 'string') return value;
  if (type === 'TemplateLiteral' && quasis?.length === 1) return quasis[0]?.value.cooked;
  return undefined;
}
