/** `npm run sim:relay -- --seeds N [--seed S] [--nodes M] [--notes]`: N farms whose frames come by relay, from seed S on. */
import { RelayFarm } from './relay-farm.js';
import { relayLife } from './relay-lives.js';

function argument(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

function main(): number {
  const first = argument('seed', 1);
  const seeds = argument('seeds', 1000);
  const most = argument('nodes', 6);
  const notes = process.argv.includes('--notes');
  let failures = 0;
  let packets = 0;
  let lost = 0;
  const startedMs = performance.now();
  for (let seed = first; seed < first + seeds; seed++) {
    const life = relayLife(seed, { least: Math.min(2, most), most });
    const farm = new RelayFarm(life);
    farm.noting = notes;
    const violation = farm.run();
    packets += farm.checks.packets;
    lost += farm.checks.lostCount;
    if (notes) console.log(farm.notes.join('\n'));
    if (violation === null) continue;
    failures++;
    console.log(`seed ${seed} (${life.reach}): ${violation.message}`);
    console.log(`replay: npm run sim:relay -- --seeds 1 --seed ${seed} --nodes ${most} --notes`);
    if (!process.argv.includes('--all')) return 1;
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${seeds} farms, ${failures} violations, ${packets} packets, ${lost} lost in faults, ${seconds} s`);
  return failures > 0 ? 1 : 0;
}

process.exitCode = main();
