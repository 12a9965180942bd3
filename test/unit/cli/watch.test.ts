import { describe, expect, it } from 'vitest';
import type { CliParts, Terminal } from '../../../src/cli/parts.js';
import { clip, page } from '../../../src/cli/watch-screen.js';
import { covey } from './fake-parts.js';
import { healthy } from './reports.js';

/** A terminal that understands what the watch writes: cells, alternate screen, cursor. */
class FakeTerminal implements Terminal {
  columns = 100;
  rows = 30;
  raws: string[] = [];
  #onResize: (() => void)[] = [];
  readonly isInteractive = true;
  readonly hasColours = true;
  readonly line = (text: string) => this.raw(`${text}\r\n`);
  readonly errorLine = (text: string) => this.raw(`${text}\r\n`);
  readonly raw = (text: string) => void this.raws.push(text);
  readonly size = () => ({ columns: this.columns, rows: this.rows });
  readonly onResize = (then: () => void) => {
    this.#onResize.push(then);
    return () => {
      this.#onResize = this.#onResize.filter((other) => other !== then);
    };
  };

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    for (const then of this.#onResize) then();
  }

  get listeners(): number {
    return this.#onResize.length;
  }

  /** Whether the last word was to switch on. */
  isOn(mode: number): boolean {
    const all = this.raws.join('');
    return all.lastIndexOf(`\x1b[?${mode}h`) > all.lastIndexOf(`\x1b[?${mode}l`);
  }
}

const visible = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what control sequences are.
  text.replace(/\x1b\[[?0-9;]*[A-Za-z]/g, '').split('\r\n');

function watch(terminal: FakeTerminal, parts: Partial<CliParts>, turns: number) {
  let left = turns;
  let released = 0;
  let nowMs = 0;
  const counters = (accepted: number) => ({ ...healthy().counters, accepted, rejected: { notOwner: 2 * accepted } });
  return covey('status --watch', {
    control: { status: async () => healthy({ counters: counters(nowMs) }) },
    parts: {
      terminal,
      nowMs: () => nowMs,
      pause: async () => {
        nowMs += 500;
        left -= 1;
        return left > 0;
      },
      interruption: () => ({
        isInterrupted: false,
        happened: new Promise(() => undefined),
        release: () => {
          released += 1;
        },
      }),
      ...parts,
    },
  }).then((outcome) => ({ ...outcome, released }));
}

describe('status --watch on a terminal', () => {
  it('uses the alternate screen, hides the cursor, and gives both back', async () => {
    const terminal = new FakeTerminal();
    const { exitCode, released } = await watch(terminal, {}, 3);
    expect([exitCode, released]).toEqual([0, 1]);
    expect(terminal.raws.join('').split('\x1b[?1049h')).toHaveLength(2);
    expect([terminal.isOn(1049), terminal.isOn(25), terminal.isOn(7)]).toEqual([false, true, true]);
    expect(terminal.listeners).toBe(0);
  });

  it('gives the terminal back when it fails', async () => {
    const terminal = new FakeTerminal();
    let asked = 0;
    const status = async () => {
      if (++asked > 1) throw new Error('the socket broke');
      return healthy();
    };
    const { exitCode } = await covey('status --watch', {
      control: { status },
      parts: { terminal, pause: async () => true },
    });
    expect(exitCode).toBe(1);
    expect([terminal.isOn(1049), terminal.isOn(25)]).toEqual([false, true]);
    expect(terminal.raws.at(-1)).toMatch(/the socket broke/);
  });

  it('shows rates by the second from the second picture on', async () => {
    const terminal = new FakeTerminal();
    await watch(terminal, {}, 2);
    const pages = terminal.raws.filter((text) => text.startsWith('\x1b[H'));
    expect(pages[0]).not.toMatch(/\/s\)/);
    expect(visible(pages[1]!).join('\n')).toMatch(
      /accepted 500 \(1,000\/s\)[\s\S]*1,000 \(2,000\/s\): notOwner 1,000 \(2,000\/s\)/,
    );
  });

  it('is drawn anew at once when the window changes, and never larger than it', async () => {
    const terminal = new FakeTerminal();
    const pause = async () => {
      if (terminal.rows === 8) return false;
      terminal.resize(40, 8);
      const drawn = visible(terminal.raws.at(-1)!);
      expect(drawn).toHaveLength(8);
      for (const line of drawn) expect([...line].length).toBeLessThanOrEqual(40);
      expect(drawn.some((line) => /^\.\.\. \d+ more lines$/.test(line))).toBe(true);
      return true;
    };
    await watch(terminal, { pause }, 2);
    expect(terminal.rows).toBe(8);
  });
});

describe('a page', () => {
  it('fills the screen, with the footer last', () => {
    expect(visible(page(['a', 'b'], 'end', 80, 5))).toEqual(['a', 'b', '', '', 'end']);
  });

  it('cuts lines by what is seen, and ends their colours', () => {
    expect(clip('\x1b[31mabc\x1b[0mdef', 4)).toBe('\x1b[31mabc\x1b[0md');
    expect(clip('\x1b[31mabcdef\x1b[0m', 2)).toBe('\x1b[31mab\x1b[0m');
    expect(clip('█▍··', 2)).toBe('█▍');
  });
});
