/** A text field for the config: line numbers, the faulty line marked, keys of the schema offered while one types. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask } from './api.js';
import { completionsAt, type Schema } from './completion.js';

export interface EditorProps {
  readonly text: string;
  readonly readOnly: boolean;
  /** Begins with `file:LINE:COLUMN` or `LINE:COLUMN` where the agent names a place. */
  readonly fault: string;
  readonly onInput: (text: string) => void;
}

export function Editor({ text, readOnly, fault, onInput }: EditorProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLPreElement>(null);
  const [schema, setSchema] = useState<Schema | null>(null);
  const [offers, setOffers] = useState<readonly string[]>([]);
  useEffect(() => {
    ask<Schema>('GET', '/config/schema').then(setSchema, () => setSchema(null));
  }, []);
  const faulty = new Set([...fault.matchAll(/(?:^|[\s:;])(\d+):\d+/gm)].map(([, line]) => Number(line)));
  const offer = () => {
    const { value, selectionStart } = field.current!;
    setOffers(schema === null ? [] : completionsAt(schema, value, selectionStart));
  };
  /** Ctrl and space as in other editors. Tab leaves the field, as everywhere on a page, and so comes to what is offered. */
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') setOffers([]);
    if (event.key !== ' ' || !event.ctrlKey) return;
    event.preventDefault();
    offer();
  };
  const take = (word: string) => {
    const { value, selectionStart } = field.current!;
    const typed = /[A-Za-z-]*$/.exec(value.slice(0, selectionStart))![0];
    const before = value.slice(0, selectionStart - typed.length);
    onInput(`${before}${word}${value.slice(selectionStart)}`);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(before.length + word.length, before.length + word.length);
      // A key is followed by its values.
      offer();
    });
  };
  return (
    <div class="editor">
      <pre ref={gutter} class="gutter" aria-hidden="true">
        {text.split('\n').map((_, at) => (
          <span key={at} class={faulty.has(at + 1) ? 'faulty' : ''}>
            {at + 1}
            {'\n'}
          </span>
        ))}
      </pre>
      <textarea
        ref={field}
        aria-label="Config of the farm, YAML"
        spellcheck={false}
        autocapitalize="off"
        readOnly={readOnly}
        value={text}
        rows={Math.min(40, Math.max(14, text.split('\n').length + 1))}
        onInput={(event) => {
          onInput(event.currentTarget.value);
          offer();
        }}
        onClick={offer}
        onKeyDown={onKey}
        onScroll={(event) => {
          if (gutter.current !== null) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
      {!readOnly && offers.length > 0 && (
        <div class="offers" role="group" aria-label="Possible here">
          {offers.map((word) => (
            <button key={word} type="button" onClick={() => take(word)}>
              {word}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
