/** `bench/farm/continuity.sh [--events N] [--seed S]`: the table of continuity. Exit code 1 when a request failed on purpose. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labDown } from '../../../src/lab/lab.js';
import { nodeNames, nodePaths } from '../../../src/lab/names.js';
import { continuity, HEAD, type Report } from './run.js';

const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    lab: { type: 'string', default: 'continuity' },
    kinds: { type: 'string' },
  },
});

function show({ requests, failures, crash, captureDrops }: Report): void {
  say();
  say(
    `requests before the crash: ${Object.entries(requests)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')}`,
  );
  say(`frames lost for want of room in the nodes' captures: ${captureDrops}`);
  say(`failed: ${failures.length}`);
  for (const { kind, at, node, session, error } of failures.slice(0, 20)) {
    say(`  ${new Date(at).toISOString()} ${kind} ${session ?? ''} ${node ?? ''} ${error ?? ''}`);
  }
  say(
    `kill -9 of ${crash.node}: ${crash.brokenThere} of its ${crash.sessionsThere} sessions broke, ` +
      `${crash.brokenElsewhere.length} of ${crash.sessionsElsewhere} on other nodes; new connections were served again after ${crash.newConnectionsMs.toFixed(0)} ms`,
  );
  for (const { session, error } of crash.brokenElsewhere) say(`  ${session} ${error}`);
}

/** What the nodes themselves say happened, in order of time: the place to look when something failed. */
function showTimelines(lab: string): void {
  const lines = nodeNames(4).flatMap((node) =>
    readFileSync(join(nodePaths(lab, node).runDir, 'events.ndjson'), 'utf8')
      .trim()
      .split('\n'),
  );
  const events = lines.map((line) => JSON.parse(line) as { at: string; node: string; event: string; fields: object });
  for (const { at, node, event, fields } of events.sort((a, b) => (a.at < b.at ? -1 : 1))) {
    say(`  ${at} ${node} ${event} ${JSON.stringify(fields)}`);
  }
}

await labDown(values.lab);
try {
  say(`seed ${values.seed}`);
  say(HEAD);
  const report = await continuity({
    lab: values.lab,
    events: Number(values.events),
    seed: Number(values.seed),
    calmMs: 4000,
    ...(values.kinds === undefined ? {} : { clients: { kinds: values.kinds.split(',') } }),
    progress: say,
  });
  show(report);
  if (report.failures.length > 0 || report.crash.brokenElsewhere.length > 0) {
    process.exitCode = 1;
    showTimelines(values.lab);
  }
} finally {
  await labDown(values.lab);
}
