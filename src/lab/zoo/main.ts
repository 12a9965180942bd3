/**
 * `npm run zoo [-- [--reach MODE] NETWORK...]`: a farm's life in each network, and README's table on standard output. Exit code 1 when
 * a farm did not live as it should; the faults are on standard error.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LabError } from '../names.js';
import { isProfileName, PROFILE_NAMES, type ProfileName } from '../network/profiles.js';
import { type LifeOptions, live } from './life.js';
import { tableHead, tableRow } from './table.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const remark = (line: string): void => void process.stderr.write(`${line}\n`);

function chosen(names: readonly string[]): readonly ProfileName[] {
  if (names.length === 0) return PROFILE_NAMES;
  return names.map((name) => {
    if (isProfileName(name)) return name;
    throw new LabError(`there is no network "${name}"; there are: ${PROFILE_NAMES.join(', ')}`);
  });
}

async function main(signal: AbortSignal): Promise<boolean> {
  const options = {
    lab: { type: 'string', default: 'zoo' },
    reach: { type: 'string', default: 'auto' },
    'config-override': { type: 'string', multiple: true, default: [] as string[] },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const { lab, reach, 'config-override': overrides } = values;
  const faults: string[] = [];
  const keepIn = await mkdtemp(join(tmpdir(), 'covey-zoo-'));
  for (const line of tableHead()) say(line);
  for (const network of chosen(positionals)) {
    const ofLife: LifeOptions = { network, lab, reach, overrides, signal, keepIn };
    const life = await live(ofLife, (line) => remark(`    ${network}: ${line}`));
    say(tableRow(life));
    faults.push(...life.faults.map((fault) => `${network}: ${fault}`));
  }
  for (const fault of faults) remark(`FAULT: ${fault}`);
  if (faults.length === 0) await rm(keepIn, { recursive: true });
  else remark(`logs: ${keepIn}`);
  return faults.length === 0;
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => controller.abort(new LabError(`interrupted (${name})`)));
try {
  process.exitCode = (await main(controller.signal)) ? 0 : 1;
} catch (cause) {
  remark(`zoo: ${cause instanceof Error ? cause.message : String(cause)}`);
  process.exitCode = 1;
}
