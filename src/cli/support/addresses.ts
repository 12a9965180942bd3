/** Replaces addresses by placeholders: the same address always by the same one, so that what belongs together stays so. */
import { isIP } from 'node:net';
import { formatAddress, parseAddress } from '../../buckets/address.js';

const MAC = /(?<![0-9a-f:.])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![0-9a-f:])/gi;
/** In names of interfaces (systemd's `enx001122334455`). */
const MAC_IN_NAME = /\benx([0-9a-f]{12})\b/gi;
const IPV4 = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)/g;
const IPV6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4})?(?![\w:])/gi;
const MAIL = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;

/** They tell nothing of anybody. */
const COMMON = /^(?:0\.0\.0\.0|127\..*|255\.255\.255\.255|::1?|00:00:00:00:00:00|ff:ff:ff:ff:ff:ff)$/i;

export class AddressRedactor {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  redact(text: string): string {
    return text
      .replace(MAIL, (mail) => this.#name('mail', mail.toLowerCase()))
      .replace(MAC_IN_NAME, (_, digits: string) => `enx-${this.#name('mac', digits.toLowerCase())}`)
      .replace(MAC, (mac) => this.#name('mac', mac.toLowerCase().replaceAll(':', '')))
      .replace(IPV6, (address) => (isIP(address) === 6 ? this.#name('ipv6', canonical(address)) : address))
      .replace(IPV4, (address) => (isIP(address) === 4 ? this.#name('ipv4', address) : address));
  }

  #name(kind: string, address: string): string {
    if (COMMON.test(kind === 'mac' ? address.replace(/(..)(?=.)/g, '$1:') : address)) {
      return kind === 'mac' ? address.replace(/(..)(?=.)/g, '$1:') : address;
    }
    const known = this.#names.get(address);
    if (known !== undefined) return known;
    const number = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, number);
    const name = `<${kind}-${number}>`;
    this.#names.set(address, name);
    return name;
  }
}

/** One address has many ways to be written (RFC 5952). */
function canonical(address: string): string {
  const bytes = parseAddress(address);
  return bytes === null ? address.toLowerCase() : formatAddress(bytes);
}
