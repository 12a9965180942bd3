/**
 * `npm run sim -- --seeds N [--nodes M] [--seed S]`: N farms of 2..M nodes, from seed S on. The first violation ends the run (`--all`: it
 * goes on): it is shrunk and printed with the command that replays it. With `--seeds 1`, `--notes` prints what happened and `--print` the
 * schedule; `--least L` makes no farm smaller than L; `--census` tells how often each kind of fault occurred.
 */
import { type Census, count } from './census.js';
import { Farm } from './farm.js';
import { generate } from './generate.js';
import { shrink } from './shrink.js';

function argument(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

function main(): number {
  const first = argument('seed', 1);
  const seeds = argument('seeds', 1000);
  const most = argument('nodes', 8);
  const size = { least: Math.min(argument('least', 2), most), most };
  const startedMs = performance.now();
  let packets = 0;
  let lost = 0;
  let failures = 0;
  const census: Census = new Map();
  const keepGoing = process.argv.includes('--all');
  for (let seed = first; seed < first + seeds; seed++) {
    const farm = new Farm(generate(seed, size));
    farm.noting = process.argv.includes('--notes');
    const violation = farm.run();
    count(census, farm);
    packets += farm.checks.packets;
    lost += farm.checks.lostCount;
    if (seeds === 1 && process.argv.includes('--notes')) console.log(farm.notes.join('\n'));
    if (process.argv.includes('--print')) console.log(JSON.stringify(farm.schedule, null, 1));
    if (violation === null) continue;
    failures++;
    console.log(`seed ${seed}: ${violation.message}`);
    console.log(`replay: npm run sim -- --seeds 1 --seed ${seed} --nodes ${most} --least ${size.least} --notes`);
    if (keepGoing || seeds === 1) continue;
    const small = shrink(farm.schedule, violation.invariant);
    console.log(
      `shortest schedule found that still violates ${violation.invariant}:\n${JSON.stringify(small, null, 1)}`,
    );
    return 1;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(
    `${seeds} farms, ${failures} violations, ${packets} packets, ${lost} lost in faults, ${seconds.toFixed(1)} s`,
  );
  if (process.argv.includes('--census')) console.log(`census ${JSON.stringify(Object.fromEntries(census))}`);
  return failures > 0 ? 1 : 0;
}

process.exitCode = main();
