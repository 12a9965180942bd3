/** The report as one HTML file that asks nobody for anything: no script, no font, no image from elsewhere. Pure. */
import type { Report, ScenarioResult } from '../contract.js';
import { escaped, plot } from './plot.js';
import { machineLines } from './table.js';

export const STYLE = `
:root { color-scheme: light dark; --ink: #1d2433; --paper: #fff; --faint: #d8dde6; --soft: #667085; --peer: #3b74d8; --base: #8a94a6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --paper: #14181f; --faint: #2c3440; --soft: #98a2b3; --peer: #6d9df0; --base: #6b7585; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--faint); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
p.about, dd, li { color: var(--soft); }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .name { text-anchor: end; } svg .tick { text-anchor: middle; fill: var(--soft); }
svg .grid { stroke: var(--faint); } svg .peer { fill: var(--peer); opacity: .75; } svg .base { fill: var(--base); opacity: .75; }
svg circle { fill: var(--ink); opacity: .7; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt { font-weight: 600; }
`;

export function htmlReport(report: Report): string {
  const facts = machineLines(report).map((line) => `<li>${escaped(line)}</li>`);
  const body = [
    '<h1>Covey: benchmark</h1>',
    `<p>${escaped(report.begun)}. Bars are medians, dots the rounds, grey what others are compared with.</p>`,
    `<ul>${facts.join('')}</ul>`,
    ...report.scenarios.map(section),
  ];
  return page('Covey: benchmark', body.join('\n'));
}

export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
${body}
</body>
</html>
`;
}

function section(scenario: ScenarioResult): string {
  const { id, title, about, figures, peers, absent } = scenario;
  const measured = figures.filter((figure) => peers.some((peer) => peer.figures[figure.id] !== undefined));
  const plots = measured.map((figure) => {
    const better = figure.better === 'more' ? 'more is better' : 'less is better';
    return `<h3>${escaped(`${figure.name}, ${figure.unit} (${better})`)}</h3>${plot(figure, scenario)}`;
  });
  return [
    `<h2 id="${escaped(id)}">${escaped(title)}</h2><p class="about">${escaped(about)}</p>`,
    ...plots,
    `<dl>${peers.map(({ name, about: what }) => `<dt>${escaped(name)}</dt><dd>${escaped(what)}</dd>`).join('')}</dl>`,
    list(
      absent.map(
        (one) => `absent: ${one.name}: ${one.reason}${one.install === null ? '' : `; to have it: ${one.install}`}`,
      ),
    ),
    list(peers.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`))),
    scenario.isCut ? '<p>Not all rounds were done: the time was over, or it was interrupted.</p>' : '',
  ].join('\n');
}

function list(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `<ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`;
}
