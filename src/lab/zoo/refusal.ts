/** Networks in which no farm of all nodes can work: a node that the VIP's frames cannot reach must say so and not serve. */
import { readFile } from 'node:fs/promises';
import { nodePaths } from '../names.js';
import { eventually, healthOf } from '../processes.js';
import { reportOrNull } from '../status.js';
import type { Life } from './table.js';

const ANSWER_TIMEOUT_MS = 15_000;
/** An explanation names at least one of these: what is missing. */
const EXPLAINS = /subnet|segment|network|address of its own/i;

interface Stand {
  readonly node: string;
  readonly serves: boolean;
  /** Null: nothing has been said yet. */
  readonly says: string | null;
}

/**
 * Waits until `outside`, the nodes that are not in the VIP's segment, have refused, or for a time. The others may serve: for them
 * the network is a plain one.
 */
export async function refusal(
  lab: string,
  outside: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Pick<Life, 'found' | 'faults'>> {
  let stands: readonly Stand[] = [];
  const settled = async (): Promise<boolean> => {
    signal?.throwIfAborted();
    stands = await Promise.all(outside.map((node) => standOf(lab, node)));
    return stands.every(({ serves, says }) => !serves && says !== null && EXPLAINS.test(says));
  };
  await eventually(settled, ANSWER_TIMEOUT_MS, 200);
  const faults = stands.flatMap(({ node, serves, says }) => {
    if (serves) return [`${node} serves: ${says ?? 'without a word'}`];
    return says !== null && EXPLAINS.test(says) ? [] : [`${node} does not explain itself: ${says ?? '(nothing)'}`];
  });
  const said = stands.map(({ node, says }) => `${node}: ${says ?? '-'}`);
  return { found: [...new Set(said)].join('; '), faults };
}

async function standOf(lab: string, node: string): Promise<Stand> {
  if (healthOf(lab, node, 'agent') === 'dead') return { node, serves: false, says: await lastWords(lab, node) };
  const report = await reportOrNull(lab, node);
  if (report === null || report.state === 'joining') return { node, serves: false, says: null };
  return { node, serves: report.state === 'up', says: report.reason === '' ? null : report.reason };
}

/** The error of the last line of its log. */
async function lastWords(lab: string, node: string): Promise<string | null> {
  const text = await readFile(nodePaths(lab, node).agentLog, 'utf8').catch(() => '');
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  try {
    return (JSON.parse(line) as { readonly error?: string }).error ?? line;
  } catch {
    return line === '' ? null : line;
  }
}
