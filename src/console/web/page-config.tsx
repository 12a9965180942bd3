/** The config: edit with hints, see what would change, put it in force on all nodes, go back. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { diffOf } from './diff.js';
import { Editor } from './editor.js';
import { troubleOf, useConfirm } from './parts.js';
import { clock, day } from './text.js';

interface Revision {
  readonly revision: number;
  readonly at: string;
  readonly by: string;
  readonly appliedOn: string;
  readonly hash: string;
  readonly inForce: boolean;
}
interface Applied {
  readonly applied: boolean;
  readonly revision: number;
  readonly changed: readonly string[];
  readonly warnings: readonly string[];
  readonly nodes: readonly { readonly node: string; readonly outcome: string; readonly why: string }[];
}

interface Running {
  readonly text: string;
  readonly hash: string;
}

const CHECK_AFTER_MS = 500;
const LOOK_EVERY_MS = 3000;

/** The config in force and what came before it; looked at again and again, since others may change it, too. */
function useRunning() {
  const [running, setRunning] = useState<Running | null>(null);
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
    void load();
    const look = () =>
      void ask<{ revisions: Revision[] }>('GET', '/config/history').then(
        ({ revisions }) => {
          setHistory(revisions);
          setTrouble('');
        },
        (error) => setTrouble(troubleOf(error)),
      );
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return { running, history, trouble, load };
}

/** What the agent says to a text that differs from the one in force, a moment after the last key. */
function useCheck(text: string, running: Running | null, isWanted: boolean) {
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

export function ConfigPage({ may }: PageProps) {
  const { running: loaded, history, trouble, load } = useRunning();
  const [text, setText] = useState('');
  const { confirm, dialog } = useConfirm();
  useEffect(() => {
    if (loaded !== null) setText(loaded.text);
  }, [loaded]);
  const isChanged = loaded !== null && text !== loaded.text;
  const check = useCheck(text, loaded, isChanged && may('admin'));
  const newest = history.find(({ inForce }) => inForce);
  const isOvertaken = loaded !== null && newest !== undefined && newest.hash !== loaded.hash;
  useEffect(() => {
    if (isOvertaken && !isChanged) void load();
  }, [isOvertaken, isChanged]);
  if (loaded === null) {
    return trouble === '' ? (
      <p>Loading…</p>
    ) : (
      <p class="trouble" role="alert">
        The config cannot be shown: {trouble}
      </p>
    );
  }
  const apply = (body: object) => async () => {
    const report = await ask<Applied>('POST', '/config/apply', body);
    if (report.applied) await load();
    return outcomeOf(report);
  };
  return (
    <>
      {dialog}
      {trouble !== '' && <p class="old">What is shown may be out of date: {trouble}</p>}
      {isOvertaken && isChanged && (
        <div class="banner warn" role="alert">
          Meanwhile {newest.by} has put revision {newest.revision} in force. Your text was made from an older one, and
          cannot be applied.{' '}
          <button type="button" onClick={() => void load()}>
            Load it, and drop mine
          </button>
        </div>
      )}
      <section class="panel">
        <Editor text={text} readOnly={!may('admin')} fault={check.fault} onInput={setText} />
        {!may('admin') && <p class="hint">To change it needs the role admin.</p>}
        {check.fault !== '' && (
          <pre class="trouble" role="alert">
            {check.fault}
          </pre>
        )}
        {may('admin') && !isChanged && (
          <p class="hint">
            Change the text; what it would do is shown here before it does. Keys and values that fit are offered while
            you type; Ctrl and space offers them at once.
          </p>
        )}
        {isChanged && <Changes before={loaded.text} after={text} report={check.report} />}
        <div class="buttons">
          <button type="button" disabled={!isChanged} onClick={() => setText(loaded.text)}>
            Discard
          </button>
          <button
            type="button"
            class="primary"
            disabled={!isChanged || isOvertaken || check.report === null}
            onClick={() =>
              confirm({
                title: 'Put this config in force on all nodes?',
                text: <Summary report={check.report} />,
                verb: 'Apply to all',
                act: apply({ text, base: loaded.hash }),
              })
            }
          >
            Apply to all…
          </button>
        </div>
      </section>
      <section class="panel">
        <h2>History</h2>
        {history.length === 0 && <p>No config was applied yet.</p>}
        <ul class="history">
          {history.map(({ revision, at, by, inForce }) => (
            <li key={revision}>
              <span>
                <strong>Revision {revision}</strong> {day(at)}, {clock(at)} {by === '' ? '' : `by ${by}`}
              </span>
              {inForce ? (
                <span class="state good">in force</span>
              ) : (
                <button
                  type="button"
                  disabled={!may('admin')}
                  onClick={() =>
                    confirm({
                      title: `Go back to revision ${revision}?`,
                      text: (
                        <p>
                          The config of {day(at)}, {clock(at)} comes in force on all nodes, as a new revision.
                        </p>
                      ),
                      verb: 'Go back',
                      act: apply({ revision }),
                    })
                  }
                >
                  Go back…
                </button>
              )}
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function outcomeOf({ applied, revision, nodes }: Applied): string {
  if (applied) return `In force on all nodes, revision ${revision}.`;
  const against = nodes.filter(({ why }) => why !== '').map(({ node, why }) => `${node}: ${why}`);
  return `Not applied, nothing has changed. ${against.join('; ')}`;
}

function Summary({ report }: { readonly report: Applied | null }) {
  if (report === null) return <p>It was not checked yet.</p>;
  return (
    <>
      <ul>
        {report.changed.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {report.changed.length === 0 && <p>It means the same as the one in force.</p>}
      {report.warnings.map((line) => (
        <p class="trouble" key={line}>
          {line}
        </p>
      ))}
    </>
  );
}

const CONTEXT = 3;

function Changes({
  before,
  after,
  report,
}: {
  readonly before: string;
  readonly after: string;
  readonly report: Applied | null;
}) {
  const lines = diffOf(before, after);
  const near = (at: number) =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ kind }) => kind !== 'same');
  return (
    <>
      <h2>What would change</h2>
      {report !== null && <Summary report={report} />}
      <pre class="diff" tabIndex={0} role="region" aria-label="Changed lines">
        {lines.map(({ kind, text }, at) =>
          kind === 'same' && !near(at) ? (
            near(at + 1) && <span key={at}>{'⋯\n'}</span>
          ) : (
            <span key={at} class={kind}>
              {{ same: '  ', gone: '- ', new: '+ ' }[kind]}
              {text}
              {'\n'}
            </span>
          ),
        )}
      </pre>
    </>
  );
}
