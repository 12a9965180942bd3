/** One figure of a scenario as inline SVG: a line per peer, a dot per round, a bar at the median. Pure. */
import type { Figure, PeerResult, ScenarioResult } from '../contract.js';
import { ratioText } from './table.js';

const ROW = 26;
const LEFT = 130;
const RIGHT = 300;
const PLOT = 460;
const FOOT = 22;
const TICKS = 4;
const BAR = 16;
const DOT = 3;

/** HTML's and SVG's own. */
export function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (letter) => entities[letter]!);
}

export function plot(figure: Figure, scenario: ScenarioResult): string {
  const shown = scenario.peers.filter((peer) => peer.figures[figure.id] !== undefined);
  const top = niceTop(Math.max(...shown.map((peer) => peer.figures[figure.id]!.max)));
  const height = shown.length * ROW + FOOT;
  const rows = shown.map((peer, index) => row(figure, peer, scenario.base, index * ROW, top));
  const width = LEFT + PLOT + RIGHT;
  const label = escaped(`${figure.name}, ${figure.unit}`);
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}"><title>${label}</title>${axis(top, shown.length * ROW)}${rows.join('')}</svg>`;
}

/** The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is not below `value`; 1 for 0. */
export function niceTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((candidate) => candidate >= value * (1 - 1e-12))!;
}

function axis(top: number, height: number): string {
  const ticks = Array.from({ length: TICKS + 1 }, (_, index) => (top * index) / TICKS);
  return ticks
    .map((tick) => {
      const x = position(tick, top);
      const text = String(Number(tick.toPrecision(4)));
      return `<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${height}"/><text class="tick" x="${x}" y="${height + 15}">${text}</text>`;
    })
    .join('');
}

function row(figure: Figure, peer: PeerResult, base: string, y: number, top: number): string {
  const result = peer.figures[figure.id]!;
  const middle = y + ROW / 2;
  const kind = peer.name === base ? 'base' : 'peer';
  const bar = `<rect class="${kind}" x="${LEFT}" y="${middle - BAR / 2}" width="${position(result.median, top) - LEFT}" height="${BAR}"/>`;
  const dots = result.values
    .map((value) => `<circle cx="${position(value, top)}" cy="${middle}" r="${DOT}"/>`)
    .join('');
  const median = result.median.toFixed(figure.digits);
  const words = result.ratio === null ? median : `${median}, ${ratioText(result, base)}`;
  return `<text class="name" x="${LEFT - 8}" y="${middle + 4}">${escaped(peer.name)}</text>${bar}${dots}<text class="value" x="${LEFT + PLOT + 8}" y="${middle + 4}">${escaped(words)}</text>`;
}

/** Negative values (a median loss of less than nothing by rounding) lie at the axis. */
function position(value: number, top: number): number {
  return Math.round((LEFT + (Math.max(0, value) / top) * PLOT) * 10) / 10;
}
