/** The config: edit with hints, see what would change, put it in force on all nodes, go back. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { Changes, outcomeOf, Summary } from './config-changes.js';
import { type Applied, useCheck, useRunning } from './config-state.js';
import { Editor } from './editor.js';
import { useConfirm } from './parts.js';
import { clock, day } from './text.js';

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
