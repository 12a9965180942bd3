/** The file's text as a YAML tree that knows where everything stands. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { Fault } from './contract.js';

export type Path = readonly (string | number)[];

/** More than 64 rules and 256 checkers need; a bound so that no file takes long to refuse. */
export const MAX_CHARACTERS = 128 * 1024;

/** Faults shown of one kind; a file with more is another file than was meant. */
export const MAX_FAULTS = 200;

/** What to do about a syntax error, by the code of the yaml package. Others show that package's own words. */
const ADVICE: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab indents this line: write spaces',
  BAD_INDENT: 'the indentation does not fit the lines above: align it with them',
  BLOCK_AS_IMPLICIT_KEY: 'a key stands inside the value of the line above: align it with that key',
  MULTILINE_IMPLICIT_KEY: 'a key runs over several lines: is a colon or quote missing above?',
  MULTIPLE_DOCS: 'a second document begins here: one file holds one config, remove the ---',
};

/** The package compares each key with all others of its map, which takes seconds for a hostile file; {@link Source} uses a set. */
const OPTIONS = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const;

export class Source {
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  /** Where aliases to no anchor stood, with their names. */
  readonly #lostAliases: ReadonlyMap<number, string>;

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, ...OPTIONS });
    this.#lostAliases = emptyLostAliases(this.#document);
  }

  /** What is no YAML. Where there is any, the rest of the tree cannot be trusted. */
  syntaxFaults(): readonly Fault[] {
    const errors: YAMLError[] = [...this.#document.errors, ...this.#document.warnings];
    const quotes = errors.some(isOpenQuote) ? quoteStarts(this.#document) : null;
    const beginOf = (error: YAMLError) => (isOpenQuote(error) ? quotes?.get(error.pos[0]) : null) ?? error.pos[0];
    // A quote that is not closed takes in the ] and } behind it.
    const firstQuote = errors.findIndex(isOpenQuote);
    return errors
      .filter((error, index) => firstQuote === -1 || index < firstQuote || !isOpenFlow(error))
      .slice(0, MAX_FAULTS)
      .map((error) => this.#fault(beginOf(error), '', adviceOn(error)));
  }

  /** `faults` of {@link value}, and the aliases to no anchor instead of those that stand where they do: nobody knows what was meant there. */
  withLostAliases(faults: readonly Fault[]): readonly Fault[] {
    const lost = [...this.#lostAliases].slice(0, MAX_FAULTS).map(([at, name]) => this.#fault(at, '', lostAlias(name)));
    const placeOf = ({ line, column }: Fault) => `${line}:${column}`;
    const places = new Set(lost.map(placeOf));
    return [...lost, ...faults.filter((fault) => !places.has(placeOf(fault)))];
  }

  /** Keys that stand in one map twice. The last of them counts for {@link value}. */
  duplicateKeys(): readonly Fault[] {
    const faults: Fault[] = [];
    const look = (_key: unknown, map: YAMLMap) => {
      const names = new Set<string>();
      for (const { key } of map.items) {
        const name = keyText(key);
        if (names.has(name))
          faults.push(this.#fault(startOf(key) ?? 0, '', 'this key stands here twice: keep one of them'));
        names.add(name);
      }
    };
    visit(this.#document, { Map: look });
    return faults.slice(0, MAX_FAULTS);
  }

  /** The plain value, null where an alias refers to nothing; throws where aliases multiply without bound. */
  value(): unknown {
    return this.#document.toJS({ maxAliasCount: 100 });
  }

  /** A fault at the value of `path`, or, where there is none, at the nearest that encloses it. `atKey`: at its key. */
  fault(path: Path, message: string, atKey = false): Fault {
    let node: unknown = this.#document.contents;
    let offset = startOf(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      const found = this.#child(node, step);
      if (found === null) break;
      const isKey = atKey && depth === path.length - 1;
      offset = (isKey ? startOf(found.key) : startOf(found.value)) ?? startOf(found.key) ?? offset;
      node = found.value;
    }
    return this.#fault(offset, pathText(path), message);
  }

  #child(node: unknown, step: string | number): { readonly key: unknown; readonly value: unknown } | null {
    const held = isAlias(node) ? node.resolve(this.#document) : node;
    if (isMap(held)) return held.items.find((pair) => keyText(pair.key) === String(step)) ?? null;
    if (isSeq(held))
      return typeof step === 'number' && step in held.items ? { key: null, value: held.items[step] } : null;
    return null;
  }

  #fault(offset: number, path: string, message: string): Fault {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: Math.max(1, col), path, message };
  }
}

const keyText = (key: unknown) => String(isScalar(key) ? key.value : key);

function startOf(node: unknown): number | null {
  return (node as Node | null)?.range?.[0] ?? null;
}

const lostAlias = (name: string) =>
  `*${name} refers to an anchor that is not in the file: quote a value that begins with *`;

/** An anchor counts from where it stands on. One alias that refers to none would else make the whole document unreadable. */
function emptyLostAliases(document: Document.Parsed): ReadonlyMap<number, string> {
  const anchors = new Set<string>();
  const lost = new Map<number, string>();
  const look = (place: unknown, node: Node) => {
    if (!isAlias(node)) {
      if (node.anchor !== undefined) anchors.add(node.anchor);
      return undefined;
    }
    if (anchors.has(node.source)) return undefined;
    lost.set(startOf(node) ?? 0, node.source);
    // A key keeps its looks: only so can it be found again.
    const empty = new Scalar(place === 'key' ? `*${node.source}` : null);
    empty.range = node.range;
    return empty;
  };
  visit(document, { Node: look });
  return lost;
}

const isOpenQuote = ({ message }: YAMLError) => /^Missing closing ['"]quote/.test(message);
const isOpenFlow = ({ message }: YAMLError) => /^Flow .* in block collection/.test(message);

/** Where quoted values begin, by where they end: the package reports a missing quote there. */
function quoteStarts(document: Document.Parsed): ReadonlyMap<number, number> {
  const starts = new Map<number, number>();
  const look = (_key: unknown, { type, range }: Scalar) => {
    if ((type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') && range != null) starts.set(range[1], range[0]);
  };
  visit(document, { Scalar: look });
  return starts;
}

function adviceOn(error: YAMLError): string {
  if (isOpenQuote(error)) return 'the quote that begins here is not closed: write one more at the end of the value';
  if (isOpenFlow(error)) return 'a list or map above is not closed: is a ] or } missing?';
  return ADVICE[error.code] ?? inWords(error);
}

function inWords(error: YAMLError): string {
  const words = error.message.replaceAll(/\s+/g, ' ').trim();
  return `this is not YAML: ${words.charAt(0).toLowerCase()}${words.slice(1)}`;
}

/** `rules[1].affinity`. Keys that are no plain word are quoted. */
function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const word = /^[A-Za-z0-9_-]+$/.test(step) ? step : JSON.stringify(step);
    return text === '' ? word : `${text}.${word}`;
  }, '');
}
