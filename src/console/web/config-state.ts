/** What the page of the config knows: the one in force, those before it, and what the agent says to a text. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from './api.js';
import type { Running } from './config-draft.js';
import { troubleOf } from './parts.js';

export interface Revision {
  readonly revision: number;
  readonly at: string;
  readonly by: string;
  readonly appliedOn: string;
  readonly hash: string;
  readonly inForce: boolean;
}
export interface Applied {
  readonly applied: boolean;
  readonly revision: number;
  readonly changed: readonly string[];
  readonly warnings: readonly string[];
  readonly nodes: readonly { readonly node: string; readonly outcome: string; readonly why: string }[];
}

const CHECK_AFTER_MS = 500;
const LOOK_EVERY_MS = 3000;

/**
 * The config in force and what came before it; looked at again and again, since others may change it, too.
 * @param base the one that an unsaved text was made from: it stays the running one until it is loaded anew.
 */
export function useRunning(base: Running | null) {
  const [running, setRunning] = useState<Running | null>(base);
  const [history, setHistory] = useState<readonly Revision[]>([]);
  const [trouble, setTrouble] = useState('');
  const load = async () => {
    try {
      setRunning(await ask<Running>('GET', '/config'));
      setHistory((await ask<{ revisions: Revision[] }>('GET', '/config/history')).revisions);
      setTrouble('');
    } catch (error) {
      setTrouble(troubleOf(error));
    }
  };
  useEffect(() => {
    const look = () =>
      void ask<{ revisions: Revision[] }>('GET', '/config/history').then(
        ({ revisions }) => {
          setHistory(revisions);
          setTrouble('');
        },
        (error) => setTrouble(troubleOf(error)),
      );
    if (base === null) void load();
    else look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return { running, history, trouble, load };
}

/** What the agent says to a text that differs from the one in force, a moment after the last key. */
export function useCheck(text: string, running: Running | null, isWanted: boolean) {
  const [check, setCheck] = useState<{ readonly report: Applied | null; readonly fault: string }>({
    report: null,
    fault: '',
  });
  useEffect(() => {
    setCheck({ report: null, fault: '' });
    if (!isWanted) return;
    let isOver = false;
    const show = (report: Applied | null, fault: string) => {
      if (!isOver) setCheck({ report, fault });
    };
    const timer = setTimeout(() => {
      ask<Applied>('POST', '/config/check', { text }).then(
        (report) => show(report, ''),
        (error) => show(null, troubleOf(error)),
      );
    }, CHECK_AFTER_MS);
    return () => {
      // An answer to an earlier text must not pass for one to this.
      isOver = true;
      clearTimeout(timer);
    };
  }, [text, running, isWanted]);
  return check;
}
