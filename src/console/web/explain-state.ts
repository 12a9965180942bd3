/** A question about a client that is asked again and again, so that its answer does not outlive what it is about. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ExplainReport } from '../../control/contract.js';
import { ApiError, ask } from './api.js';
import type { Question } from './explain-question.js';
import { troubleOf } from './parts.js';

const AGAIN_AFTER_MS = 1000;

export interface Answered {
  readonly report: ExplainReport;
  /** Who would serve it if the owner died, or why that is not known; null: nobody serves it. */
  readonly heir: ExplainReport['without'] | string | null;
  /** Wall clock of the browser, ms. */
  readonly atMs: number;
}

export interface Explained {
  readonly answer: Answered | null;
  /** Why the newest question was not answered; the answer, if any, is an earlier one. */
  readonly trouble: string;
  /** Of the browser, as the answer is looked at. */
  readonly nowMs: number;
}

export function useExplained(question: Question | null): Explained {
  const [answer, setAnswer] = useState<Answered | null>(null);
  const [trouble, setTrouble] = useState('');
  const [nowMs, setNowMs] = useState(Date.now());
  const owner = useRef<string | null>(null);
  useEffect(() => {
    owner.current = null;
    setAnswer(null);
    setTrouble('');
    if (question === null) return;
    let isOver = false;
    let next: ReturnType<typeof setTimeout> | undefined;
    const turn = async (isAgain: boolean) => {
      try {
        const found = await answerTo(question, owner.current, isAgain);
        if (isOver) return;
        owner.current = found.report.owner;
        setAnswer(found);
        setTrouble('');
      } catch (error) {
        if (!isOver) setTrouble(troubleOf(error));
      }
      if (!isOver) next = setTimeout(() => void turn(true), AGAIN_AFTER_MS);
    };
    void turn(false);
    // Apart from the questions: one that hangs must not keep the age of the last answer from growing.
    const clock = setInterval(() => setNowMs(Date.now()), AGAIN_AFTER_MS / 2);
    return () => {
      isOver = true;
      clearTimeout(next);
      clearInterval(clock);
    };
  }, [question]);
  return { answer, trouble, nowMs: Math.max(nowMs, answer?.atMs ?? 0) };
}

/** One question when the owner is the one of the last answer, since the report on its death brings the present, too. */
async function answerTo(question: Question, expected: string | null, isAgain: boolean): Promise<Answered> {
  if (expected !== null) {
    const found = await withoutNode(question, expected, isAgain);
    if (typeof found !== 'string' && found.report.owner === expected) return found;
  }
  const report = await ask<ExplainReport>('POST', '/explain', question, isAgain);
  const atMs = Date.now();
  if (report.owner === null) return { report, heir: null, atMs };
  const found = await withoutNode(question, report.owner, isAgain);
  return typeof found === 'string' ? { report, heir: found, atMs } : found;
}

/** An agent that cannot think a node away refuses the question; one that does not answer is no answer at all. */
async function withoutNode(question: Question, node: string, isAgain: boolean): Promise<Answered | string> {
  try {
    const report = await ask<ExplainReport>('POST', '/explain', { ...question, without: [node] }, isAgain);
    return { report, heir: report.without ?? 'this agent cannot say', atMs: Date.now() };
  } catch (error) {
    if (error instanceof ApiError && (error.status === 400 || error.status === 404))
      return `not known (${troubleOf(error)})`;
    throw error;
  }
}
