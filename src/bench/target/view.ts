/** The report of a live farm, as text and as HTML. Pure. */
import { page } from '../report/html.js';
import { escaped, niceTop } from '../report/plot.js';
import type { TargetReport } from './contract.js';

const WIDTH = 860;
const HEIGHT = 160;
const LEFT = 60;

export function targetLines(report: TargetReport): readonly string[] {
  const { latencyMs, shares, failed } = report;
  const errors = Object.entries(failed).map(([name, count]) => `${count} x ${name}`);
  const at = latencyMs === null ? 'none was answered' : Object.entries(latencyMs).map(latencyText).join(', ');
  return [
    `${report.target}, ${report.connections} kept connections, ${report.tookSeconds.toFixed(1)} s`,
    `requests/s        ${report.requestsPerSecond.toFixed(0)} (${report.requests} requests)`,
    `latency           ${at}`,
    `failed            ${errors.length === 0 ? 'none' : errors.join(', ')}`,
    `new connections   ${report.newConnections}, without answer ${report.newConnectionsLost}`,
    `longest gap       ${report.longestGapMs} ms`,
    `shares            ${shares === null ? 'unknown' : sharesText(shares)}; told by ${report.sharesBy}`,
    `load average here ${report.clientLoad}`,
    `command: ${report.command}`,
  ];
}

function latencyText([name, ms]: readonly [string, number]): string {
  return `${name === 'p999' ? 'p99.9' : name} ${ms.toFixed(2)} ms`;
}

function sharesText(shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares)
    .map(([node, share]) => `${node} ${(share * 100).toFixed(1)} %`)
    .join(', ');
}

export function targetHtml(report: TargetReport): string {
  const lines = targetLines(report).map((line) => `<li>${escaped(line)}</li>`);
  const answered = report.seconds.map(({ answered: count }) => count);
  const slow = report.seconds.map(({ p99Ms }) => p99Ms ?? 0);
  const body = [
    `<h1>${escaped(report.target)}</h1><p>${escaped(report.begun)}</p><ul>${lines.join('')}</ul>`,
    `<h3>Answers in each second</h3>${columns('answers a second', answered)}`,
    `<h3>99th percentile in each second, ms</h3>${columns('99th percentile, ms', slow)}`,
  ];
  return page(`Covey: ${report.target}`, body.join('\n'));
}

/** A column for each second. */
function columns(label: string, values: readonly number[]): string {
  const top = niceTop(Math.max(0, ...values));
  const step = (WIDTH - LEFT) / Math.max(1, values.length);
  const bars = values.map((value, index) => {
    const height = (value / top) * HEIGHT;
    const x = (LEFT + index * step).toFixed(1);
    return `<rect class="peer" x="${x}" y="${(HEIGHT - height).toFixed(1)}" width="${Math.max(0.5, step - 1).toFixed(1)}" height="${height.toFixed(1)}"/>`;
  });
  const scale = `<text class="name" x="${LEFT - 6}" y="12">${top}</text><text class="name" x="${LEFT - 6}" y="${HEIGHT}">0</text>`;
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT + 4}" role="img" aria-label="${label}"><title>${label}</title>${scale}${bars.join('')}</svg>`;
}
