import type { Config } from './contract.js';

/** What the config names by `file:`, as it stands there: nobody but this node may see what is in these files. */
export function secretFilesOf({ keyFile, notify }: Config): readonly string[] {
  const ofNotify = notify.map((target) => {
    if (target.way === 'webhook') return target.secretFile;
    return target.way === 'email' ? target.passwordFile : null;
  });
  return [keyFile, ...ofNotify.filter((file) => file !== null)];
}
