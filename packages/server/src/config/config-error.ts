/** The configuration cannot be used. `problems` has one line for each thing to correct. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError';
  readonly problems: readonly string[];
  readonly warnings: readonly string[];

  constructor(problems: readonly string[], warnings: readonly string[] = []) {
    super(problems.join('\n'));
    this.problems = problems;
    this.warnings = warnings;
  }
}

/** There is no configuration file. The message says what can be done about it. */
export class NoConfigError extends ConfigError {
  override readonly name = 'NoConfigError';

  constructor(path: string) {
    super([
      [
        `no configuration file: ${path} does not exist`,
        '  To see dispatchoor at work without one:  bin/dispatchoor demo',
        `  To make one:  copy config.example.yaml to ${path}, set GITHUB_TOKEN and ADMIN_PASSWORD, start again`,
        '  If it is somewhere else:  bin/dispatchoor server --config PATH',
      ].join('\n'),
    ]);
  }
}
