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
  readonly inForce: boolean;
}
interface Applied {
  readonly applied: boolean;
  readonly revision: number;
  readonly changed: readonly string[];
  readonly warnings: readonly string[];
  readonly nodes: readonly { readonly node: string; readonly outcome: string; readonly why: string }[];
}

const CHECK_AFTER_MS = 500;

export function ConfigPage({ may }: PageProps) {
  const [running, setRunning] = useState<string | null>(null);
  const [text, setText] = useState('');
  const [history, setHistory] = useState<readonly Revision[]>([]);
  const [trouble, setTrouble] = useState('');
  const [check, setCheck] = useState<{ readonly report: Applied | null; readonly fault: string }>({
    report: null,
    fault: '',
  });
  const { confirm, dialog } = useConfirm();
  const load = async () => {
    try {
      const config = await ask<{ text: string }>('GET', '/config');
      setRunning(config.text);
      setText(config.text);
      setHistory((await ask<{ revisions: Revision[] }>('GET', '/config/history')).revisions);
      setTrouble('');
    } catch (error) {
      setTrouble(troubleOf(error));
    }
  };
  useEffect(() => void load(), []);
  const isChanged = running !== null && text !== running;
  useEffect(() => {
    setCheck({ report: null, fault: '' });
    if (!isChanged || !may('admin')) return;
    const timer = setTimeout(() => {
      ask<Applied>('POST', '/config/check', { text }).then(
        (report) => setCheck({ report, fault: '' }),
        (error) => setCheck({ report: null, fault: troubleOf(error) }),
      );
    }, CHECK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text, running]);
  if (trouble !== '')
    return (
      <p class="trouble" role="alert">
        The config cannot be shown: {trouble}
      </p>
    );
  if (running === null) return <p>Loading…</p>;
  const apply = (body: object) => async () => {
    const report = await ask<Applied>('POST', '/config/apply', body);
    if (report.applied) await load();
    return outcomeOf(report);
  };
  return (
    <>
      {dialog}
      <section class="panel">
        <Editor text={text} readOnly={!may('admin')} fault={check.fault} onInput={setText} />
        {!may('admin') && <p class="hint">To change it needs the role admin.</p>}
        {check.fault !== '' && (
          <pre class="trouble" role="alert">
            {check.fault}
          </pre>
        )}
        {isChanged && <Changes before={running} after={text} report={check.report} />}
        <div class="buttons">
          <button type="button" disabled={!isChanged} onClick={() => setText(running)}>
            Discard
          </button>
          <button
            type="button"
            class="primary"
            disabled={!isChanged || check.report === null}
            onClick={() =>
              confirm({
                title: 'Put this config in force on all nodes?',
                text: <Summary report={check.report} />,
                verb: 'Apply to all',
                act: apply({ text, revision: null }),
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
                      act: apply({ text: null, revision }),
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
          kind === 'same' && !near(at) ? null : (
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
