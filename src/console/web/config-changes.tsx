/** What another config would change, and what came of it. */
import type { Applied } from './config-state.js';
import { diffOf } from './diff.js';

export function outcomeOf({ applied, revision, nodes }: Applied): string {
  if (applied) return `In force on all nodes, revision ${revision}.`;
  const against = nodes.filter(({ why }) => why !== '').map(({ node, why }) => `${node}: ${why}`);
  return `Not applied, nothing has changed. ${against.join('; ')}`;
}

export function Summary({ report }: { readonly report: Applied | null }) {
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

export function Changes({
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
