/** Small parts of several pages. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Look } from './colours.js';
import { LONGEST_LIMIT_MS, leftText, type Outcome, send, troubleOf, waitingText } from './deed.js';
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

export { troubleOf };

export interface Question {
  readonly title: string;
  readonly text: ComponentChildren;
  /** On the button; null: nothing can be done, and the text says why. */
  readonly verb: string | null;
  readonly isHarmful?: boolean;
  /** How long its answer is waited for; absent: {@link LONGEST_LIMIT_MS}. */
  readonly limitMs?: number;
  readonly act: () => Promise<string>;
}

export interface Confirming {
  readonly confirm: (question: Question) => void;
  readonly dialog: ComponentChildren;
  /** Takes away what came of the last deed. */
  readonly forget: () => void;
}

/** Asks before it acts, and says what came of it. */
export function useConfirm(): Confirming {
  const [question, setQuestion] = useState<Question | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const go = (asked: Question) =>
    send({ act: asked.act, verb: asked.verb ?? '', limitMs: asked.limitMs ?? LONGEST_LIMIT_MS }, (result) => {
      setOutcome(result);
      // Another question may be open by now.
      setQuestion((open) => (open === asked ? null : open));
    });
  const leave = (asked: Question, wasSent: boolean) => {
    setQuestion(null);
    if (wasSent) setOutcome({ text: leftText(asked.verb ?? ''), bad: true });
  };
  const dialog = (
    <>
      {question !== null && <Confirm question={question} onGo={go} onLeave={leave} />}
      <p class={outcome?.bad === true ? 'outcome bad' : 'outcome'} role="status">
        {outcome?.text ?? ''}
      </p>
    </>
  );
  return { confirm: setQuestion, dialog, forget: () => setOutcome(null) };
}

interface ConfirmProps {
  readonly question: Question;
  readonly onGo: (question: Question) => void;
  readonly onLeave: (question: Question, wasSent: boolean) => void;
}

function Confirm({ question, onGo, onLeave }: ConfirmProps) {
  const element = useRef<HTMLDialogElement>(null);
  const [sentMs, setSentMs] = useState<number | null>(null);
  const wasSent = sentMs !== null;
  useEffect(() => element.current?.showModal(), []);
  useEffect(() => {
    if (!wasSent) return;
    const sinceMs = performance.now();
    const timer = setInterval(() => setSentMs(performance.now() - sinceMs), 500);
    return () => clearInterval(timer);
  }, [wasSent]);
  const go = () => {
    setSentMs(0);
    onGo(question);
  };
  const leave = () => onLeave(question, wasSent);
  return (
    <dialog ref={element} onClose={leave} aria-labelledby="confirm-title">
      <h2 id="confirm-title">{question.title}</h2>
      <div>{question.text}</div>
      <p role="status" data-test="waiting">
        {wasSent ? waitingText(sentMs, question.limitMs ?? LONGEST_LIMIT_MS) : ''}
      </p>
      <div class="buttons">
        <button type="button" onClick={leave}>
          {wasSent || question.verb === null ? 'Close' : 'Cancel'}
        </button>
        {question.verb !== null && (
          <button
            type="button"
            class={question.isHarmful === true ? 'harmful' : 'primary'}
            disabled={wasSent}
            onClick={go}
          >
            {wasSent ? 'One moment…' : question.verb}
          </button>
        )}
      </div>
    </dialog>
  );
}
