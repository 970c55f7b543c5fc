import { z } from 'zod';
import type { Run, WorkflowJob } from '../../domain/attempt.ts';
import { labelSetOf, type ObservedRunner } from '../../domain/runner.ts';
import { type OddEntry, type Page, PER_PAGE } from './pages.ts';
import { storableText } from './storable-text.ts';

/**
 * GitHub's replies, cut down to the fields we read. Null and absent are one; what GitHub calls an enum stays an
 * open string, so that a new status is no outage.
 */

const LARGEST_INT64 = 2n ** 63n - 1n;

/**
 * Ids are int64 and count from 1: what a double cannot hold is parsed as bigint, and past this file they are strings. They
 * stand in indexes, and a number of JSON may have any length.
 */
const id = z
  .union([z.int().positive(), z.bigint().positive().max(LARGEST_INT64)])
  .transform(String);

/** Counts from 1; a column of PostgreSQL, which takes no more than an int32. */
const attemptCount = z
  .int32()
  .positive()
  .nullish()
  .transform((value) => value ?? 1);

/** Of a list: a hint only, so one that cannot be read costs nobody the list. */
const count = z.number().nullable().catch(null);

/** Longer than any text of a run, a workflow job or a runner: a list of such texts is to fit into memory. */
const LONGEST_TEXT = 4_096;

export const words = z.string().max(LONGEST_TEXT).transform(storableText);

const text = words.nullish().transform((value) => value ?? '');

/** Git's: 40 or 64 hex digits. What a branch has shown of its commits stands in an index. */
const LONGEST_SHA = 64;
const sha = text.refine((value) => value.length <= LONGEST_SHA, {
  error: `longer than ${String(LONGEST_SHA)} characters`,
});

const WEB_PAGE = /^https?:\/\/[^\s\p{Cc}]+$/iu;

/** A page for people, which they will click on. One that is not of the web is none, and no reason to leave out the rest. */
const pageUrl = z
  .unknown()
  .optional()
  .transform((value) => (typeof value === 'string' && isWebPage(value) ? value : ''));

function isWebPage(text: string): boolean {
  const isText = text.length <= LONGEST_TEXT && text.isWellFormed();
  return isText && WEB_PAGE.test(text) && URL.canParse(text);
}

/** A zero time, or one of the year 2999, says nothing of when something was made: taken as true, it was never made by us. */
const [EARLIEST_TIME, LATEST_TIME] = [Date.UTC(2000, 0), Date.UTC(2100, 0)];

const time = z.string().transform((value, context) => {
  const ms = Date.parse(value);
  if (ms >= EARLIEST_TIME && ms < LATEST_TIME) return ms;
  context.addIssue({ code: 'custom', message: 'not a time' });
  return z.NEVER;
});

const optionalTime = time.nullish().transform((value) => value ?? null);

/** Characters; GitHub allows 64. */
const LONGEST_RUNNER_NAME = 256;
/** Bytes of all labels of one runner. They and the name stand in indexes, where PostgreSQL takes 2,700 bytes. */
const LONGEST_LABEL_SET = 2_000;

const labels = z
  .array(z.object({ name: words }))
  .transform((all) => all.map((label) => label.name))
  .refine((names) => Buffer.byteLength(labelSetOf(names)) <= LONGEST_LABEL_SET, {
    error: `longer than ${String(LONGEST_LABEL_SET)} bytes together`,
  });

const runner = z
  .object({
    id,
    name: words.refine((name) => name.length <= LONGEST_RUNNER_NAME, {
      error: `longer than ${String(LONGEST_RUNNER_NAME)} characters`,
    }),
    os: text,
    status: words,
    busy: z.boolean(),
    ephemeral: z.boolean().nullish(),
    labels,
  })
  .transform(
    (raw): ObservedRunner => ({
      forgeRunnerId: raw.id,
      name: raw.name,
      labels: raw.labels,
      os: raw.os,
      // Whatever else a runner may be one day, only `online` means that it takes jobs.
      status: raw.status === 'online' ? 'online' : 'offline',
      isBusy: raw.busy,
      isEphemeral: raw.ephemeral ?? false,
    }),
  );

export const runnerPage = pageOf('runners', runner);

export const run = z
  .object({
    id,
    run_attempt: attemptCount,
    name: words.nullish(),
    display_title: words.nullish(),
    path: text,
    workflow_id: id,
    event: words,
    head_branch: text,
    head_sha: sha,
    actor: z.object({ login: words }).nullish(),
    status: words.nullish(),
    conclusion: words.nullish(),
    html_url: pageUrl,
    created_at: time,
    run_started_at: optionalTime,
    updated_at: time,
  })
  .transform(
    (raw): Run => ({
      id: raw.id,
      attempt: raw.run_attempt,
      // The workflow's `run-name` comes as display_title; `name` is the workflow's.
      name: raw.display_title ?? raw.name ?? '',
      path: withoutRef(raw.path),
      workflowId: raw.workflow_id,
      event: raw.event,
      branch: raw.head_branch,
      actor: raw.actor?.login ?? '',
      headSha: raw.head_sha,
      status: raw.status ?? 'queued',
      conclusion: raw.conclusion ?? null,
      url: raw.html_url,
      createdAt: raw.created_at,
      startedAt: raw.run_started_at,
      updatedAt: raw.updated_at,
    }),
  );

/** GitHub writes `NAME.yml` or `NAME.yml@REF`, with `.yaml` likewise; either may hold an `@` of its own. */
function withoutRef(path: string): string {
  return path.replace(/(?<=\.ya?ml)@.*$/s, '');
}

export const runPage = pageOf('workflow_runs', run);

export const workflowJob = z
  .object({
    id,
    run_id: id,
    run_attempt: attemptCount,
    name: words,
    status: words,
    conclusion: words.nullish(),
    labels: z.array(words).nullish(),
    // A job cancelled before its pickup shows runner 0.
    runner_id: z.union([id, z.literal(0)]).nullish(),
    runner_name: text,
    created_at: optionalTime,
    started_at: optionalTime,
    completed_at: optionalTime,
  })
  .transform(
    (raw): WorkflowJob => ({
      id: raw.id,
      runId: raw.run_id,
      runAttempt: raw.run_attempt,
      name: raw.name,
      status: raw.status,
      conclusion: raw.conclusion ?? null,
      // None: those that its attempt asks for stand in.
      labels: raw.labels ?? [],
      runnerId: raw.runner_id === 0 ? null : (raw.runner_id ?? null),
      runnerName: raw.runner_name,
      createdAt: raw.created_at,
      startedAt: raw.started_at,
      completedAt: raw.completed_at,
    }),
  );

export const workflowJobPage = pageOf('jobs', workflowJob);

export const dispatchReply = z
  .object({ workflow_run_id: id, html_url: pageUrl })
  .transform((raw) => ({ runId: raw.workflow_run_id, runUrl: raw.html_url }));

export const account = z.object({ login: words, type: text });

/** One odd entry is left out, and costs nobody else: of a list, only that it is one is asked for. */
function pageOf<T>(key: string, entry: z.ZodType<T>): z.ZodType<Page<T>> {
  const shape = { total_count: count, [key]: z.array(z.unknown()).max(PER_PAGE) };
  return z.object(shape).transform((raw): Page<T> => {
    const entries: T[] = [];
    const odd: OddEntry[] = [];
    for (const one of raw[key] as unknown[]) {
      const parsed = entry.safeParse(one);
      if (parsed.success) entries.push(parsed.data);
      else odd.push({ ...readableOf(one), problem: problemOf(parsed.error) });
    }
    return { total: raw['total_count'] as number | null, entries, odd };
  });
}

const readable = z
  .object({ id: id.catch(''), event: text.catch(''), created_at: optionalTime.catch(null) })
  .transform((raw) => ({ id: raw.id, event: raw.event, createdAt: raw.created_at }));

function readableOf(entry: unknown): Omit<OddEntry, 'problem'> {
  const parsed = readable.safeParse(entry);
  return parsed.success ? parsed.data : { id: '', event: '', createdAt: null };
}

/** Which field is wrong, and how: never what it says. */
function problemOf({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.join('.') ?? '';
  return `${path === '' ? 'the entry' : path}: ${issue?.message ?? 'not as documented'}`;
}
