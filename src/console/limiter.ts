/**
 * Slows down guessing. Three counts of failures, each forgotten a while after the last one:
 *
 * | of                          | free | then                                                     |
 * |-----------------------------|------|----------------------------------------------------------|
 * | one account from one address|    4 | refused for 2 s, 4 s, ... 5 min                          |
 * | one address, any account    |    4 | likewise: many names get no further                      |
 * | one account, any address    |   20 | answered later, by 1 s, 2 s, ... 5 s, and never refused  |
 *
 * So whoever guesses locks themselves out, and not the account's owner, who sits elsewhere.
 */
import { isIPv6 } from 'node:net';

const FREE_OF_PAIR = 4;
const FREE_OF_ADDRESS = 4;
const FREE_OF_ACCOUNT = 20;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 300_000;
const SLOWER_BY_MS = 1000;
/** Less than the time that the server gives a request. */
const SLOWEST_MS = 5000;
const FORGOTTEN_AFTER_MS = 900_000;
const MOST_KEYS = 10_000;

interface Record {
  failures: number;
  lastMs: number;
}

export class Limiter {
  readonly #records = new Map<string, Record>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** ms until this account may be tried again from this address; 0: now. */
  waitMs(account: string, address: string): number {
    const waits = [
      this.#waitOf(pairKey(account, address), FREE_OF_PAIR),
      this.#waitOf(addressKey(address), FREE_OF_ADDRESS),
    ];
    return Math.max(...waits);
  }

  /** ms by which the answer is to come later, whatever it is: else the delay itself would tell. */
  slowMs(account: string): number {
    const over = (this.#living(accountKey(account))?.failures ?? 0) - FREE_OF_ACCOUNT;
    return over <= 0 ? 0 : Math.min(SLOWEST_MS, over * SLOWER_BY_MS);
  }

  failed(account: string, address: string): void {
    for (const key of [pairKey(account, address), addressKey(address), accountKey(account)]) {
      const record = this.#living(key) ?? { failures: 0, lastMs: 0 };
      this.#records.delete(key);
      this.#records.set(key, { failures: record.failures + 1, lastMs: this.#nowMs() });
    }
    while (this.#records.size > MOST_KEYS) this.#records.delete(this.#records.keys().next().value!);
  }

  /**
   * Ends what is refused. Whoever has an account of their own can so go on with other names, but with each of them as far as the pair goes.
   * The account stays slow: those who guess from elsewhere go on.
   */
  succeeded(account: string, address: string): void {
    for (const key of [pairKey(account, address), addressKey(address)]) this.#records.delete(key);
    const record = this.#records.get(accountKey(account));
    if (record !== undefined) record.failures -= 1;
  }

  #waitOf(key: string, free: number): number {
    const record = this.#living(key);
    if (record === null || record.failures <= free) return 0;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (record.failures - free - 1));
    return Math.max(0, record.lastMs + wait - this.#nowMs());
  }

  #living(key: string): Record | null {
    const record = this.#records.get(key);
    return record !== undefined && this.#nowMs() - record.lastMs < FORGOTTEN_AFTER_MS ? record : null;
  }
}

const pairKey = (account: string, address: string) => `pair ${network(address)} ${account}`;
const addressKey = (address: string) => `address ${network(address)}`;
const accountKey = (account: string) => `account ${account}`;

/** One host has a whole /64 of IPv6 to itself (RFC 4291, section 2.5.4), and would never be the same one twice. */
export function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail] = address.toLowerCase().split('%')[0]!.split('::');
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const all = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
