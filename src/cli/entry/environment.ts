/** What `check-config` and `run` say about the host they run on. */
import { hostFacts, startFaults } from '../../platform/host/facts.js';
import { lookAtHost } from '../../platform/host/look.js';
import { loadKeyFile } from '../../platform/keys.js';
import type { Environment } from '../parts.js';

export const hostEnvironment: Environment = {
  keyFile(path) {
    try {
      loadKeyFile(path);
      return { state: 'good' };
    } catch (error) {
      const { message, cause } = error as Error;
      const code = (cause as NodeJS.ErrnoException | undefined)?.code;
      return { state: code === 'ENOENT' ? 'missing' : 'unusable', message, needsRoot: code === 'EACCES' };
    }
  },

  /** That `ip` cannot be asked is worth saying too, and no reason to refuse a good config. */
  async interface(name, vips) {
    try {
      const refusals = startFaults(await hostFacts(name), vips).map(({ message }) => message);
      const { warnings } = (await lookAtHost(name, vips)).report;
      return { refusals, advice: warnings.filter((line) => !refusals.includes(line)) };
    } catch (error) {
      return { refusals: [], advice: [`interface ${name} could not be looked at: ${(error as Error).message}`] };
    }
  },
};
