/** Small parts of several pages. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api.js';
import type { Look } from './colours.js';
import { STATES } from './text.js';

export function State({ state }: { readonly state: string }) {
  const { tone, mark } = STATES[state] ?? { tone: 'off', mark: '?' };
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{mark}</span> {state}
    </span>
  );
}

export function Swatch({ look }: { readonly look: Look | undefined }) {
  if (look === undefined) return null;
  return (
    <svg class="swatch" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <rect width="16" height="16" rx="3" fill={look.colour} />
      <path class="ink" d={PATHS[look.pattern]} />
    </svg>
  );
}

/** The patterns in a field of 16. */
export const PATHS: Readonly<Record<Look['pattern'], string>> = {
  solid: '',
  up: 'M0 16L16 0M-4 12L4 4M12 20L20 12',
  down: 'M0 0L16 16',
  dots: 'M5 5h1M11 5h1M5 11h1M11 11h1',
  bars: 'M5 0V16M11 0V16',
  cross: 'M0 0L16 16M0 16L16 0',
  lines: 'M0 5H16M0 11H16',
  grid: 'M8 0V16M0 8H16',
};

export function Figure({
  label,
  children,
  tone,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
  readonly tone?: string;
}) {
  return (
    <div class={`figure ${tone ?? ''}`}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export const troubleOf = (error: unknown) =>
  error instanceof ApiError ? `${error.message}${error.hint === '' ? '' : ` (${error.hint})`}` : String(error);

export interface Question {
  readonly title: string;
  readonly text: ComponentChildren;
  /** On the button; null: nothing can be done, and the text says why. */
  readonly verb: string | null;
  readonly isHarmful?: boolean;
  readonly act: () => Promise<string>;
}

/** Asks before it acts, and says what came of it. */
export function useConfirm(): { readonly confirm: (question: Question) => void; readonly dialog: ComponentChildren } {
  const [question, setQuestion] = useState<Question | null>(null);
  const [outcome, setOutcome] = useState<{ readonly text: string; readonly bad: boolean } | null>(null);
  const dialog = (
    <>
      {question !== null && (
        <Confirm
          question={question}
          onDone={(text, bad) => {
            setQuestion(null);
            if (text !== '') setOutcome({ text, bad });
          }}
        />
      )}
      <p class={outcome?.bad === true ? 'outcome bad' : 'outcome'} role="status">
        {outcome?.text ?? ''}
      </p>
    </>
  );
  return { confirm: setQuestion, dialog };
}

function Confirm({
  question,
  onDone,
}: {
  readonly question: Question;
  readonly onDone: (text: string, bad: boolean) => void;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => element.current?.showModal(), []);
  const go = async () => {
    setBusy(true);
    try {
      onDone(await question.act(), false);
    } catch (error) {
      onDone(troubleOf(error), true);
    }
  };
  return (
    <dialog ref={element} onClose={() => onDone('', false)} aria-labelledby="confirm-title">
      <h2 id="confirm-title">{question.title}</h2>
      <div>{question.text}</div>
      <div class="buttons">
        <button type="button" onClick={() => onDone('', false)}>
          {question.verb === null ? 'Close' : 'Cancel'}
        </button>
        {question.verb !== null && (
          <button
            type="button"
            class={question.isHarmful === true ? 'harmful' : 'primary'}
            disabled={busy}
            onClick={() => void go()}
          >
            {busy ? 'One moment…' : question.verb}
          </button>
        )}
      </div>
    </dialog>
  );
}
