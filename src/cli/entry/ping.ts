/** ICMP echo for both families, opened on first use. */
import { familyOf, Pinger } from '../../platform/icmp.js';

/**
 * @param interfaceName null: as routed.
 * @param identifier tells our echoes from those of other programs, and of the other user of this here.
 */
export function openPing(interfaceName: string | null, identifier = process.pid) {
  const pingers = new Map<4 | 6, Pinger>();
  const pingerFor = (address: string) => {
    const family = familyOf(address);
    const pinger = pingers.get(family) ?? new Pinger(family, interfaceName, identifier);
    pingers.set(family, pinger);
    return pinger;
  };
  return {
    ping: async (address: string, timeoutMs: number) => pingerFor(address).ping(address, timeoutMs),
    close: () => {
      for (const pinger of pingers.values()) pinger.close();
    },
  };
}
