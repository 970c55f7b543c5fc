import type { MetFault } from '../faults.ts';
import type { Answer, Call } from './answer.ts';

type Entry = Readonly<Record<string, unknown>>;

/** A list as GitHub answers it: `total_count`, and the entries under a name of their own. */
interface List {
  readonly total: number;
  readonly key: string;
  readonly entries: readonly Entry[];
}

/** What a list of this call is asked for under the fault: pages that are spoilt are never "unchanged". */
export function spoiltCall(call: Call, fault: MetFault | undefined): Call {
  return fault !== undefined && isOfLists(fault) ? { ...call, ifNoneMatch: undefined } : call;
}

/** The page as the fault leaves it; other answers stay as they are. */
export function spoiltList(answer: Answer, call: Call, fault: MetFault): Answer {
  const list = isOfLists(fault) && answer.status === 200 ? findList(answer.body) : undefined;
  if (list === undefined) return answer;
  const { total, key, entries } = spoil(list, call, fault);
  // Its ETag would be that of the page as it should be.
  const { etag: _etag, ...headers } = answer.headers;
  const body = { total_count: total, [key]: entries };
  return { ...answer, headers, body, text: JSON.stringify(body) };
}

function isOfLists({ spec: { kind } }: MetFault): boolean {
  return kind === 'odd-entry' || kind === 'wrong-total' || kind === 'shifting-pages';
}

function findList(body: unknown): List | undefined {
  if (typeof body !== 'object' || body === null || !('total_count' in body)) return undefined;
  const found = Object.entries(body).find(([, value]) => Array.isArray(value));
  if (found === undefined) return undefined;
  return { total: Number(body.total_count), key: found[0], entries: found[1] as Entry[] };
}

function spoil(list: List, { query }: Call, { spec, shift }: MetFault): List {
  if (spec.kind === 'wrong-total') return { ...list, total: spec.total ?? list.total };
  if (spec.kind === 'odd-entry') {
    const at = list.entries.findIndex(({ id }) => spec.id === undefined || id === spec.id);
    const entries = list.entries.map((entry, index) =>
      index === at ? { ...entry, [spec.field ?? 'id']: null } : entry,
    );
    return { ...list, entries };
  }
  // Those that have gone stood on earlier pages: what this one begins with has moved onto the page before.
  const gone = Number(query['page'] ?? 1) > 1 ? shift : 0;
  return { ...list, total: list.total - gone, entries: list.entries.slice(gone) };
}
