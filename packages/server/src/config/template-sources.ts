import { isAbsolute, join } from 'node:path';
import { redactUrls } from '../lib/redaction.ts';
import type { UnreadSource } from './config.ts';
import type { Cursor } from './cursor.ts';
import { list, section } from './decode.ts';
import { Diagnostics, toLine } from './diagnostics.ts';
import type { Environment } from './environment.ts';
import { readDocument } from './read-document.ts';
import {
  collectBytes,
  decodeUtf8,
  MOST_TEMPLATE_BYTES,
  readTemplateText,
  UnusableText,
} from './read-text.ts';
import type { Reading } from './scalars.ts';
import type { GroupSection } from './sections/groups.ts';
import { buildTemplate, type FoundTemplate, templateFields } from './sections/templates.ts';

const FETCH_TIMEOUT_MS = 30_000;

/** Far more than anyone has; each costs time at every start. */
const MOST_TEMPLATES = 10_000;

const templateList = list(section(templateFields));

export type Fetch = (url: string, options: RequestInit) => Promise<Response>;

export interface TemplateSources {
  /** Relative paths start here: the folder of the configuration file. */
  readonly folder: string;
  readonly env: Environment;
  readonly fetch: Fetch;
  readonly diagnostics: Diagnostics;
}

export interface LoadedTemplates {
  readonly templates: readonly FoundTemplate[];
  readonly unread: readonly UnreadSource[];
}

/** Reads the templates that were loaded; in the order of the files, so that findings have theirs. */
export type DecodeTemplates = () => LoadedTemplates;

const NONE: LoadedTemplates = { templates: [], unread: [] };

/**
 * Loads the group's templates: inline ones, then files, then URLs, each in the order written.
 * What cannot be loaded is reported at its spot.
 */
export async function loadTemplates(
  { values }: GroupSection,
  sources: TemplateSources,
): Promise<DecodeTemplates> {
  const files = values.workflow_dispatch_templates_files.map(({ value, at }) =>
    loadFile(value, at, sources),
  );
  const urls = values.workflow_dispatch_templates_urls.map(({ value, at }) =>
    loadUrl(value, at, sources),
  );
  const decoders = await Promise.all([...files, ...urls]);
  const inline = values.workflow_dispatch_templates.map(
    (template): FoundTemplate => ({ template, sourceType: 'inline', sourcePath: '' }),
  );
  return () => {
    const loaded = decoders.map((decode) => decode());
    return {
      templates: [...inline, ...loaded.flatMap(({ templates }) => templates)],
      unread: loaded.flatMap(({ unread }) => unread),
    };
  };
}

async function loadFile(
  path: string,
  at: Cursor,
  { folder, env, diagnostics }: TemplateSources,
): Promise<DecodeTemplates> {
  const file = isAbsolute(path) ? path : join(folder, path);
  try {
    const text = await readTemplateText(file);
    return () => ({
      templates: decodeTemplates(readDocument({ text, file, env }, diagnostics), 'file', path),
      unread: [],
    });
  } catch (error) {
    at.problem(`cannot read ${file} (${reasonOf(error)}); paths start at the configuration file`);
    return () => NONE;
  }
}

async function loadUrl(
  url: Reading,
  at: Cursor,
  { fetch, diagnostics }: TemplateSources,
): Promise<DecodeTemplates> {
  const shown = showUrl(url);
  if (!isHttpUrl(url.text)) {
    at.problem(`${shown} is no http or https address; correct it, or use a file`);
    return () => NONE;
  }
  try {
    const text = await fetchText(url.text, fetch);
    return () => decodeBody({ text, shown, at }, diagnostics);
  } catch (error) {
    const reason = `cannot load ${shown} (${reasonOf(error)})`;
    return () => leaveUnread(shown, reason, at);
  }
}

interface Body {
  readonly text: string;
  readonly shown: string;
  /** Where the configuration names its address. */
  readonly at: Cursor;
}

/** Whoever writes the body may be somebody else: what is wrong in it must not stop the other groups. */
function decodeBody({ text, shown, at }: Body, diagnostics: Diagnostics): LoadedTemplates {
  const own = new Diagnostics();
  // Not expanded: whoever writes the body would read our secrets through an input.
  const root = readDocument({ text, file: shown, env: null }, own);
  const templates = decodeTemplates(root, 'url', shown);
  for (const template of templates) buildTemplate(template);
  const [problem] = own.problems;
  if (problem === undefined) {
    diagnostics.adopt(own);
    return { templates, unread: [] };
  }
  diagnostics.adoptAsWarnings(own);
  return leaveUnread(shown, `cannot use ${shown} (${problem})`, at);
}

function leaveUnread(shown: string, reason: string, at: Cursor): LoadedTemplates {
  at.warn(`${reason}; its templates stay as they were at the last start that could read them`);
  const message = `${reason}, and no start before has read it; check the address, or use a file`;
  return {
    templates: [],
    unread: [{ sourcePath: shown, problem: toLine({ place: at.place, message }) }],
  };
}

function isHttpUrl(written: string): boolean {
  return URL.canParse(written) && ['http:', 'https:'].includes(new URL(written).protocol);
}

function decodeTemplates(
  root: Cursor | undefined,
  sourceType: 'file' | 'url',
  sourcePath: string,
): FoundTemplate[] {
  if (root === undefined) return [];
  if (root.itemCount > MOST_TEMPLATES) {
    root.problem(
      `is a list of ${String(root.itemCount)}; write ${String(MOST_TEMPLATES)} templates at most into one document`,
    );
    return [];
  }
  return templateList.decode(root).map((template) => ({ template, sourceType, sourcePath }));
}

async function fetchText(written: string, fetch: Fetch): Promise<string> {
  const url = new URL(written);
  const headers = takeCredentials(url);
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const response = await fetch(url.href, { method: 'GET', redirect: 'follow', headers, signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new FetchRefused(`HTTP ${String(response.status)}`);
  }
  return readBody(response);
}

/** Name and password of a URL as a header: `fetch` refuses them in the address. */
function takeCredentials(url: URL): Record<string, string> {
  const { username, password } = url;
  if (username === '' && password === '') return {};
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function readBody(response: Response): Promise<string> {
  const body = (response.body ?? []) as AsyncIterable<Uint8Array>;
  return decodeUtf8(await collectBytes(body, MOST_TEMPLATE_BYTES));
}

/** For messages and the dashboard: no name and password, no query that a variable may have filled. */
function showUrl({ text, hasReferences }: Reading): string {
  const shown = redactUrls(text.replace(/^(\w+:\/\/)[^/?#]*@/, '$1'));
  return hasReferences ? shown.replace(/[?#].*$/s, '?…') : shown;
}

class FetchRefused extends Error {}

/** Codes and names only: the texts of network errors may quote the address with its secrets. */
function reasonOf(error: unknown): string {
  if (error instanceof FetchRefused || error instanceof UnusableText) return error.message;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string')
    return cause.code;
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer within 30 s';
  return cause instanceof Error ? cause.name : 'unknown error';
}
