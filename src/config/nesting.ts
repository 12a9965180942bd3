import { Lexer } from 'yaml';

/**
 * Lists and maps inside one another; a config needs five. The parser of the yaml package recurses, and a stack that overflows
 * while V8 compiles a regular expression ends the process, which no `catch` can help.
 */
const MAX_DEPTH = 32;
const MAX_INDENT = 200;

/** Where the text is nested too deeply to be parsed safely; null: nowhere. Takes tokens one by one, without recursion. */
export function tooDeepAt(text: string): number | null {
  let flow = 0;
  let indicators = 0;
  let offset = 0;
  // True until the line's first word: only there do indicators nest, as in `- - - a`.
  let isLead = true;
  for (const token of new Lexer().lex(text)) {
    const isIndicator = token === '-' || token === '?' || token === ':';
    const isSpace = /^[ \t]+$/.test(token);
    if (token === '[' || token === '{') flow += 1;
    if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    if (isLead && isIndicator) indicators += 1;
    if (flow + indicators > MAX_DEPTH || (isLead && isSpace && token.length > MAX_INDENT)) return offset;
    if (!isMark(token)) offset += token.length;
    const endsLine = token.endsWith('\n');
    isLead = endsLine || (isLead && (isIndicator || isSpace || isMark(token)));
    if (endsLine) indicators = 0;
  }
  return null;
}

/** Tokens that say what follows, and are not in the text: byte order mark, document start, flow error end, scalar. */
const isMark = (token: string) => token === '\u0002' || token === '\u0018' || token === '\u001f';
