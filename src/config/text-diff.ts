/** The difference between two texts, line by line, for people: what a new config takes away and what it brings. Pure. */

/** Beyond this many cells the middle is told as one block taken away and one put in; a config has a few hundred lines. */
const MAX_CELLS = 4_000_000;
/** Unchanged lines shown around each change. */
const CONTEXT = 2;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** Lines marked `-`, `+` or ` ` (context), `...` where unchanged ones are left out. Empty: the texts are equal. */
export function textDiff(before: string, after: string): readonly string[] {
  if (before === after) return [];
  const [a, b] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const middle = changed(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const same = (lines: readonly string[]): Line[] => lines.map((text) => ({ mark: ' ', text }));
  return shortened([...same(a.slice(0, head)), ...middle, ...same(a.slice(a.length - tail))]);
}

/** A last line without its end is the same line. */
const linesOf = (text: string) => text.replace(/\n$/, '').split('\n');

/** By the longest common subsequence, so that as few lines as possible are marked. */
function changed(a: readonly string[], b: readonly string[]): Line[] {
  const width = b.length + 1;
  if ((a.length + 1) * width > MAX_CELLS) {
    return [...a.map((text): Line => ({ mark: '-', text })), ...b.map((text): Line => ({ mark: '+', text }))];
  }
  // common[i * width + j]: the longest that a from i and b from j have in common.
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const [down, right] = [common[(i + 1) * width + j]!, common[i * width + j + 1]!];
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(down, right);
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ mark: ' ', text: a[i]! });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      lines.push({ mark: '-', text: a[i]! });
      i += 1;
    } else {
      lines.push({ mark: '+', text: b[j]! });
      j += 1;
    }
  }
  return lines;
}

function shortened(lines: readonly Line[]): string[] {
  const isNear = lines.map((_, at) =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ mark }) => mark !== ' '),
  );
  return lines.flatMap(({ mark, text }, at) => {
    if (isNear[at]) return [`${mark} ${text}`.trimEnd()];
    return at > 0 && isNear[at - 1] && lines.slice(at).some((_, ahead) => isNear[at + ahead]) ? ['...'] : [];
  });
}
