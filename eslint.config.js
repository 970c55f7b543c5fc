import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { importsKeepWalls } from './tools/lint/imports-keep-walls.js';
import { queryIsExecuted } from './tools/lint/query-is-executed.js';

const tests = ['**/*.test.ts', '**/*.testkit.ts', 'packages/*/test/**/*.ts'];
// These deal with real processes and real servers: real time passes there.
const realTime = ['**/*.testkit.ts', 'packages/*/test/**/*.ts', 'tools/**', '*.ts'];
const clocks = ['**/lib/clock*.ts', 'packages/{forge-sim,testbed}/src/clock*.ts'];
const typeless = ['packages/*/bin/*.js'];

const clockMessage = 'take a Clock (lib/clock.ts), or `now` as an argument';
const timeBans = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: clockMessage },
  {
    selector: "MemberExpression[object.name='performance'][property.name='now']",
    message: clockMessage,
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: clockMessage },
  { selector: "CallExpression[callee.name='Date']", message: clockMessage },
];
const randomBan = {
  selector: "MemberExpression[object.name='Math'][property.name='random']",
  message: 'take the random source as an argument, or make ids with lib/ids.ts',
};
const envBans = [
  {
    selector: "MemberExpression[object.name='process'][property.name='env']",
    message: 'config/ is the only reader of the environment: take a Config',
  },
  {
    selector: "ImportDeclaration[source.value='node:process'] ImportSpecifier[imported.name='env']",
    message: 'config/ is the only reader of the environment: take a Config',
  },
];
const stateMessage =
  'only store/moves writes the states of jobs and attempts: add a move there, or call one';
const stateBans = [
  {
    selector:
      'CallExpression[callee.property.name=/^(insertInto|deleteFrom)$/][arguments.0.value=/^(jobs|attempts)$/]',
    message: stateMessage,
  },
  {
    selector: "CallExpression[callee.name='insertRows'][arguments.1.value=/^(jobs|attempts)$/]",
    message: stateMessage,
  },
  {
    selector:
      "CallExpression[callee.property.name='set'] > ObjectExpression > Property[key.name='state']",
    message: stateMessage,
  },
  {
    selector:
      'TemplateElement[value.raw=/(insert into|delete from) (jobs|attempts)\\b|update (jobs|attempts) set [^=]*\\bstate =/i]',
    message: stateMessage,
  },
];
const barrelBan = {
  selector: 'ExportAllDeclaration',
  message: "import from the file itself: only a package's index.ts gathers exports",
};
const testBans = [
  {
    selector:
      "CallExpression[callee.object.name='vi'][callee.property.name=/^(mock|doMock|hoisted)$/]",
    message: 'no module mocks: pass a fake in',
  },
  {
    selector: "MemberExpression[object.name=/^(it|test|describe)$/][property.name='only']",
    message: '.only hides all other tests',
  },
];

export default defineConfig(
  { ignores: ['**/dist/**', 'coverage/**'] },
  // A rule that is wrong is changed here, with its reason, for everybody.
  { linterOptions: { noInlineConfig: true } },
  {
    files: ['**/*.ts', '**/*.js'],
    ignores: typeless,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { local: { rules: { 'query-is-executed': queryIsExecuted } } },
    rules: {
      'local/query-is-executed': 'error',
      eqeqeq: 'error',
      'no-console': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      // A number in a template reads as what it is: String(n) around each is noise.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => stop()` is how a void function is passed on.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // [...text] is by code point, which is what we want: nothing here counts what a reader sees as one sign.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // `async` without `await` is what makes a method of a port reject where it would throw.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
    },
  },
  {
    plugins: { walls: { rules: { 'imports-keep-walls': importsKeepWalls } } },
    rules: {
      'walls/imports-keep-walls': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    files: ['packages/*/src/**/*.ts', 'bench/**/*.ts'],
    ignores: tests,
    rules: {
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    // Plain old JavaScript, so that an old Node says in one line what is missing.
    files: typeless,
    languageOptions: { parser: tseslint.parser },
  },
  {
    files: ['packages/**/*.ts', 'bench/**/*.ts'],
    ignores: [...tests, ...clocks],
    rules: { 'no-restricted-syntax': ['error', ...timeBans, randomBan, ...envBans, barrelBan] },
  },
  {
    files: ['packages/server/src/**/*.ts'],
    ignores: [...tests, ...clocks, 'packages/server/src/{config,store/moves,store/migrations}/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[...timeBans, randomBan, ...envBans, barrelBan],
        ...stateBans,
      ],
    },
  },
  {
    files: clocks,
    rules: { 'no-restricted-syntax': ['error', randomBan, ...envBans, barrelBan] },
  },
  {
    files: [
      'packages/server/src/config/**/*.ts',
      'packages/testbed/src/processes/own-environment.ts',
    ],
    ignores: tests,
    rules: { 'no-restricted-syntax': ['error', ...timeBans, randomBan, barrelBan] },
  },
  {
    files: ['packages/*/src/index.ts'],
    rules: { 'no-restricted-syntax': ['error', ...timeBans, randomBan, ...envBans] },
  },
  {
    files: ['packages/**/*.ts', 'bench/**/*.ts'],
    ignores: [...realTime, ...clocks],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval'].map((name) => ({ name, message: clockMessage })),
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: ['node:timers', 'node:timers/promises', 'timers', 'timers/promises'].map(
            (name) => ({
              name,
              message: clockMessage,
            }),
          ),
        },
      ],
    },
  },
  {
    files: clocks,
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'setInterval', message: 'ticks would overlap: sleep after each one' },
      ],
    },
  },
  {
    files: tests,
    rules: {
      'no-restricted-syntax': ['error', ...testBans, barrelBan],
      // What a test expects to be there fails the test when it is not.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Vitest's matchers (expect.any, expect.objectContaining) and parsed replies are typed any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      // expect(fake.method) does not call it.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.js'],
    ignores: typeless,
    // A cast in a JSDoc comment is invisible to these rules.
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  {
    // Programs for a terminal.
    files: ['tools/**/*.js', 'packages/*/bin/*.js'],
    rules: { 'no-console': 'off' },
  },
);
