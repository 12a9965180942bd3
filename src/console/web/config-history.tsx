/** The configs that were in force, and the way back to one of them. */
import { useState } from 'preact/hooks';
import { ask } from './api.js';
import { Changes } from './config-changes.js';
import type { Running } from './config-draft.js';
import type { Applied, Revision } from './config-state.js';
import { type Question, troubleOf } from './parts.js';
import { clock, day } from './text.js';

interface HistoryProps {
  readonly history: readonly Revision[];
  readonly mayApply: boolean;
  readonly confirm: (question: Question) => void;
  /** Puts it in force; what it gives is done when the dialog says yes. */
  readonly apply: (body: object) => () => Promise<string>;
}

export function History({ history, mayApply, confirm, apply }: HistoryProps) {
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const goBack = async (revision: Revision) => {
    setBusy(true);
    setFault('');
    try {
      confirm(await wayBack(revision, apply));
    } catch (error) {
      setFault(`Revision ${revision.revision} cannot come in force: ${troubleOf(error)}`);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="panel">
      <h2>History</h2>
      {history.length === 0 && <p>No config was applied yet.</p>}
      <p class="trouble" role="alert">
        {fault}
      </p>
      <ul class="history">
        {history.map((revision) => (
          <li key={revision.revision}>
            <span>
              <strong>Revision {revision.revision}</strong> {day(revision.at)}, {clock(revision.at)}{' '}
              {revision.by === '' ? '' : `by ${revision.by}`}
            </span>
            {revision.inForce ? (
              <span class="state good">in force</span>
            ) : (
              <button type="button" disabled={!mayApply || busy} onClick={() => void goBack(revision)}>
                Go back…
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What is shown is against the config in force at this moment, and only on that one the old one is put. */
async function wayBack({ revision, at }: Revision, apply: HistoryProps['apply']): Promise<Question> {
  const now = await ask<Running>('GET', '/config');
  const then = await ask<Running>('GET', `/config?revision=${revision}`);
  const report = await ask<Applied>('POST', '/config/check', { text: then.text });
  return {
    title: `Go back to revision ${revision}?`,
    text: (
      <>
        <p>
          The config of {day(at)}, {clock(at)} comes in force on all nodes, as a new revision.
        </p>
        <Changes before={now.text} after={then.text} report={report} />
      </>
    ),
    verb: 'Go back',
    act: apply({ revision, base: now.hash }),
  };
}
