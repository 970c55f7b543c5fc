/** Parts of configuration files, as the tests of what is refused and accepted write them. */
import { oneGroup, withLogin } from './config.testkit.ts';

export const oneTemplate = (lines: string) =>
  oneGroup(
    `workflow_dispatch_templates:\n  - { id: t, owner: o, repo: r, workflow_id: w, ${lines} }`,
  );
export const groups = (...items: string[]) =>
  `groups:\n  github:\n${items.map((item) => `    - { runner_labels: [x], ${item} }\n`).join('')}`;
export const basic = (users: string) => `auth: { basic: { enabled: true, users: ${users} } }`;
export const github = (lines: string) => `auth: { github: { enabled: true, ${lines} } }`;
export const postgres = (lines: string) => `database: { driver: postgres, postgres: { ${lines} } }`;
export const inputs = (count: number) =>
  `inputs: { ${Array.from({ length: count }, (_, index) => `i${String(index)}: x`).join(', ')} }`;

/** Adds the login where the text says nothing about it. */
export const complete = (text: string) => (text.startsWith('auth:') ? text : withLogin + text);
