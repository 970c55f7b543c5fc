/**
 * What the demo plays: sync tests of Ethereum clients, an execution client × a consensus client each, for three
 * pools of runners whose labels overlap.
 */
import { KEY_INPUT } from '../summary/facts.ts';

export const OWNER = 'sync-lab';
export const REPO = 'sync-tests';
export const WORKFLOW = 'sync.yaml';

/** Filled with the id of the attempt and shown in the run's name: a lost reply is resolved with certainty, and no job waits until the run of another is known. */
export const CORRELATION_INPUT = 'dispatch_id';

export interface DemoGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly network: string;
  readonly labels: readonly string[];
  readonly elClients: readonly string[];
  readonly clClients: readonly string[];
  /** Of a hundred jobs. */
  readonly share: number;
  readonly durationsMs: readonly [min: number, max: number];
  /** Of most of its jobs. Long jobs go first, as an operator would have it. */
  readonly priority: number;
}

const BASE_LABELS = ['self-hosted', 'sync-test'];

export const demoGroups: readonly DemoGroup[] = [
  {
    id: 'sync-mainnet',
    name: 'Sync mainnet',
    description: 'Mainnet needs the large machines',
    network: 'mainnet',
    labels: [...BASE_LABELS, 'XXL'],
    elClients: ['geth', 'nethermind', 'besu'],
    clClients: ['prysm', 'lighthouse'],
    share: 35,
    durationsMs: [15_000, 24_000],
    priority: 20,
  },
  {
    id: 'sync-hoodi',
    name: 'Sync hoodi',
    description: 'Hoodi snapshots lie on some machines only',
    network: 'hoodi',
    labels: [...BASE_LABELS, 'hoodi'],
    elClients: ['geth', 'reth', 'erigon'],
    clClients: ['lighthouse', 'teku'],
    share: 30,
    durationsMs: [11_000, 18_000],
    priority: 10,
  },
  {
    id: 'sync-smoke',
    name: 'Sync smoke tests',
    description: 'Short checks for any sync-test machine',
    network: 'sepolia',
    labels: BASE_LABELS,
    elClients: ['geth', 'ethrex'],
    clClients: ['lodestar', 'nimbus'],
    share: 35,
    durationsMs: [8_000, 13_000],
    priority: 0,
  },
];

export interface DemoTemplate {
  readonly id: string;
  readonly name: string;
  readonly groupId: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** Every run of this one fails. */
export const FAILING_TEMPLATE_ID = 'sync-hoodi-erigon-teku';

export const demoTemplates: readonly DemoTemplate[] = demoGroups.flatMap((group) =>
  group.elClients.flatMap((el) => group.clClients.map((cl) => templateOf(group, el, cl))),
);

function templateOf(group: DemoGroup, el: string, cl: string): DemoTemplate {
  const id = `${group.id}-${el}-${cl}`;
  return {
    id,
    name: `${group.name} ${el}/${cl}`,
    groupId: group.id,
    inputs: {
      'el-client': el,
      'cl-client': cl,
      config: JSON.stringify({ network: group.network }),
      'runs-on': JSON.stringify(group.labels),
      'duration-ms': String(group.durationsMs[0]),
      outcome: id === FAILING_TEMPLATE_ID ? 'failure' : 'success',
    },
    labels: { network: group.network, el, cl },
  };
}

export interface DemoRunner {
  readonly name: string;
  readonly labels: readonly string[];
}

const pools: readonly (readonly [name: string, labels: readonly string[], count: number])[] = [
  ['metal', [...BASE_LABELS, 'XXL'], 5],
  ['hoodi', [...BASE_LABELS, 'hoodi'], 4],
  ['metal-hoodi', [...BASE_LABELS, 'XXL', 'hoodi'], 3],
];

/** Twelve: eight fit mainnet, seven hoodi, all of them the smoke tests. */
export const demoRunners: readonly DemoRunner[] = pools.flatMap(([name, labels, count]) =>
  Array.from({ length: count }, (_, i) => ({ name: `${name}-${i + 1}`, labels })),
);

/** Inputs that the workflow declares. */
export const workflowInputs: Readonly<Record<string, { default: string }>> = {
  'el-client': { default: 'geth' },
  'cl-client': { default: 'lighthouse' },
  config: { default: '{}' },
  'runs-on': { default: JSON.stringify(BASE_LABELS) },
  'duration-ms': { default: '10000' },
  outcome: { default: 'success' },
  [KEY_INPUT]: { default: '' },
  [CORRELATION_INPUT]: { default: '' },
};
