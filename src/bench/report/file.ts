/** The file for the HTML report: asked for before anything is measured, written last. */
import { open, rm, stat, writeFile } from 'node:fs/promises';
import { BenchError } from '../contract.js';

/** @throws BenchError when `path` cannot be written to. What it holds stays until there is something better. */
export async function mustBeWritable(path: string): Promise<void> {
  try {
    await (await open(path, 'a')).close();
  } catch (cause) {
    throw new BenchError(`the report cannot be written to ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** @throws BenchError; then no half file is left. */
export async function writeReport(path: string, html: string): Promise<void> {
  try {
    await writeFile(path, html);
  } catch (cause) {
    // Not a device: /dev/stdout, say.
    if (
      await stat(path).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      await rm(path, { force: true });
    throw new BenchError(`the report was not written to ${path}: ${(cause as Error).message}`, { cause });
  }
}
