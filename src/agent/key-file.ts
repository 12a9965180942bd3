import { isAbsolute, join } from 'node:path';
import type { Config } from '../config/contract.js';

/** Where the farm key lies: relative paths of the config are relative to the config file. */
export function keyFilePath(config: Config, baseDir: string): string {
  return isAbsolute(config.keyFile) ? config.keyFile : join(baseDir, config.keyFile);
}
