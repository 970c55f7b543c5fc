/** Names and values of environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A copy of the process's environment. The only place that reads it. */
export function readEnvironment(): Environment {
  return Object.freeze({ ...process.env });
}

/** The variable's value, `''` included; undefined where it is not set. */
export function findVariable(env: Environment, name: string): string | undefined {
  // Not `env[name]` alone: `$constructor` must not find what every object inherits.
  return Object.hasOwn(env, name) ? env[name] : undefined;
}
