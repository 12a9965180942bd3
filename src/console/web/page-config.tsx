/** The config: edit with hints, see what would change, put it in force on all nodes, go back. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { Changes, outcomeOf, Summary } from './config-changes.js';
import { draftOf, dropDraft, keepDraft } from './config-draft.js';
import { History } from './config-history.js';
import { type Applied, useCheck, useRunning } from './config-state.js';
import { Editor } from './editor.js';
import { useConfirm } from './parts.js';

export function ConfigPage({ session, may }: PageProps) {
  const [draft] = useState(may('admin') ? draftOf(session.name) : null);
  const { running: loaded, history, trouble, load } = useRunning(draft?.base ?? null);
  /** Null: as loaded. */
  const [edited, setEdited] = useState<string | null>(draft?.text ?? null);
  const { confirm, dialog, forget } = useConfirm();
  const text = edited ?? loaded?.text ?? '';
  const isChanged = loaded !== null && text !== loaded.text;
  const check = useCheck(text, loaded, isChanged && may('admin'));
  const newest = history.find(({ inForce }) => inForce);
  const isOvertaken = loaded !== null && newest !== undefined && newest.hash !== loaded.hash;
  const loadAnew = async () => {
    dropDraft();
    setEdited(null);
    await load();
  };
  useEffect(() => {
    if (isOvertaken && !isChanged) void loadAnew();
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
  const edit = (next: string) => {
    setEdited(next);
    keepDraft({ owner: session.name, text: next, base: loaded });
    // What came of an earlier text says nothing of this one.
    forget();
  };
  const apply = (body: object, keepsDraft: boolean) => async () => {
    const report = await ask<Applied>('POST', '/config/apply', body);
    if (report.applied && !keepsDraft) await loadAnew();
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
          <button type="button" onClick={() => void loadAnew()}>
            Load it, and drop mine
          </button>
        </div>
      )}
      <section class="panel">
        <Editor text={text} readOnly={!may('admin')} fault={check.fault} onInput={edit} />
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
        {isChanged && (
          <p data-test="unsaved">
            <strong>Unsaved.</strong> Your text is in force nowhere. It stays here while you look at other pages; to log
            out or to reload the page drops it.
          </p>
        )}
        {isChanged && <Changes before={loaded.text} after={text} report={check.report} />}
        <div class="buttons">
          <button type="button" disabled={!isChanged} onClick={() => edit(loaded.text)}>
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
                act: apply({ text, base: loaded.hash }, false),
              })
            }
          >
            Apply to all…
          </button>
        </div>
      </section>
      <History history={history} mayApply={may('admin')} confirm={confirm} apply={(body) => apply(body, isChanged)} />
    </>
  );
}
