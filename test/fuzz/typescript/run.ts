/**
 * A small coverage-guided fuzzer for what is written in TypeScript: node run.js TARGET SECONDS CORPUS FOUND [SEED | merge].
 *
 * It mutates inputs of the corpus; one that reaches a block of our code that none before it reached is kept in FOUND. The first input
 * that breaks a promise is written beside FOUND, and ends the run with exit code 1. `SECONDS` 0 only replays; with `merge` the inputs
 * that reach something of their own are then the corpus.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coverage } from './coverage.js';
import { mutated, Random } from './mutate.js';
import { TARGETS, type Target } from './targets.js';

/** Inputs for one look at the coverage. */
const BATCH = 64;

const [name = '', seconds = '5', corpus = '', found = '', option = String(Date.now())] = process.argv.slice(2);
const target = TARGETS[name];
if (target === undefined) throw new Error(`there is no target ${name}: ${Object.keys(TARGETS).join(', ')}`);
mkdirSync(found, { recursive: true });
process.exitCode = fuzz(target, Number(seconds) * 1000);

function fuzz(target: Target, forMs: number): number {
  const coverage = new Coverage('/build/fuzz/src/');
  const random = new Random(Number(option));
  const inputs = [...saved(corpus), ...saved(found)];
  if (inputs.length === 0 || option === 'merge') inputs.push(...target.seeds());
  inputs.sort((a, b) => a.length - b.length);
  const words = target.words.map((word) => Buffer.from(word));
  let runs = 0;
  const kept: Uint8Array[] = [];
  const isNew = (input: Uint8Array): boolean => {
    target.run(input);
    runs++;
    const fresh = coverage.look();
    coverage.learn(fresh);
    return fresh.length > 0;
  };
  coverage.look();
  let last: Uint8Array = new Uint8Array(0);
  try {
    for (const input of inputs) {
      last = input;
      if (isNew(input)) kept.push(input);
    }
    const pool = { inputs: kept, words, mostBytes: target.mostBytes };
    for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
      const batch = Array.from({ length: BATCH }, () => mutated(random, pool));
      for (const input of batch) {
        last = input;
        target.run(input);
        runs++;
      }
      const fresh = coverage.look();
      if (fresh.length === 0) continue;
      for (const input of batch) {
        last = input;
        if (!isNew(input)) continue;
        kept.push(input);
        writeFileSync(join(found, nameOf(input)), input);
      }
      // What only the batch as a whole reached, by what a cache had in it.
      coverage.learn(fresh);
    }
  } catch (error) {
    const file = join(found, '..', `crash-${name}-${nameOf(last)}`);
    writeFileSync(file, last);
    console.log(`fuzz ${name}: FAILED, seed ${option}, input in ${file}\n${(error as Error).stack}`);
    return 1;
  }
  if (option === 'merge') replaceCorpus(kept);
  console.log(
    `fuzz ${name}: ${seconds} s, ${runs} runs, ${kept.length} inputs, ${coverage.blocks} blocks, nothing found`,
  );
  return 0;
}

/** Shorter inputs come first in {@link fuzz}, so what is kept is small. */
function replaceCorpus(inputs: readonly Uint8Array[]): void {
  rmSync(corpus, { recursive: true, force: true });
  mkdirSync(corpus, { recursive: true });
  for (const input of inputs) writeFileSync(join(corpus, nameOf(input)), input);
}

function saved(folder: string): Uint8Array[] {
  return existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file))) : [];
}

function nameOf(input: Uint8Array): string {
  return createHash('sha1').update(input).digest('hex').slice(0, 16);
}
