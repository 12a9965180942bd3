/** The 4096 buckets as a map: each has its place for ever, and its holder's colour and pattern now. */
import { useEffect, useRef } from 'preact/hooks';
import { type BucketsReport, STALE_AFTER_MS } from '../contract.js';
import type { Look } from './colours.js';
import { Swatch } from './parts.js';
import { duration, percent } from './text.js';

const CELL = 10;
/** On a phone the fields would be too small to be told apart. */
const columnsFor = (width: number) => (width < 640 ? 64 : 128);
const NOBODY = 255;
/** A bucket that has moved is lit for so long. */
const LIT_MS = 1600;

const bytes = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export function BucketMap({
  report,
  looks,
  ageMs,
}: {
  readonly report: BucketsReport | null;
  readonly looks: ReadonlyMap<string, Look>;
  readonly ageMs: number | null;
}) {
  const columns = columnsFor(innerWidth);
  const canvas = useRef<HTMLCanvasElement>(null);
  const before = useRef<(string | null)[]>([]);
  const lit = useRef<Map<number, number>>(new Map());
  useEffect(() => {
    if (report === null || canvas.current === null) return;
    const holders = namesOf(report.owners, report);
    const nowMs = performance.now();
    holders.forEach((name, bucket) => {
      if (before.current.length > 0 && before.current[bucket] !== name) lit.current.set(bucket, nowMs + LIT_MS);
    });
    before.current = holders;
    const draw = () => drawMap(canvas.current!, holders, namesOf(report.planned, report), looks, lit.current);
    draw();
    const timer = setTimeout(() => {
      for (const [bucket, untilMs] of lit.current) if (untilMs <= performance.now()) lit.current.delete(bucket);
      if (canvas.current !== null) draw();
    }, LIT_MS + 50);
    return () => clearTimeout(timer);
  }, [report, looks]);
  const counts = report === null ? new Map<string | null, number>() : tally(namesOf(report.owners, report));
  const moving = report === null ? 0 : differing(report);
  const legend = [...counts].sort(([a], [b]) => ((a ?? '~') < (b ?? '~') ? -1 : 1));
  const said = legend
    .map(([name, count]) => `${name ?? 'nobody'} ${percent(count / (report?.buckets ?? 4096))}`)
    .join(', ');
  return (
    <section class="panel" aria-labelledby="buckets-title">
      <h2 id="buckets-title">Buckets</h2>
      <p class="hint">
        Each field is one of 4096 buckets of clients, in the colour of the node that holds it.{' '}
        {moving === 0
          ? 'None is moving.'
          : `${moving} ${moving === 1 ? 'is' : 'are'} on the way to another node (framed).`}
      </p>
      {ageMs !== null && ageMs > STALE_AFTER_MS && <p class="old">What is shown is {duration(ageMs)} old.</p>}
      <canvas
        ref={canvas}
        class="map"
        width={columns * CELL}
        height={(4096 / columns) * CELL}
        role="img"
        aria-label={`Buckets held: ${said}`}
      />
      <ul class="legend">
        {legend.map(([name, count]) => (
          <li key={name ?? ''}>
            <Swatch look={name === null ? undefined : looks.get(name)} /> {name ?? 'nobody'}{' '}
            <strong>{percent(count / 4096)}</strong> <small>{count}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}

function namesOf(text: string, { nodes }: BucketsReport): (string | null)[] {
  return [...bytes(text)].map((index) => (index === NOBODY ? null : (nodes[index] ?? null)));
}

function differing({ owners, planned }: BucketsReport): number {
  const [now, wanted] = [bytes(owners), bytes(planned)];
  return now.reduce((sum, owner, bucket) => sum + (owner !== wanted[bucket] && wanted[bucket] !== NOBODY ? 1 : 0), 0);
}

function tally(names: readonly (string | null)[]): Map<string | null, number> {
  const counts = new Map<string | null, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function drawMap(
  canvas: HTMLCanvasElement,
  holders: readonly (string | null)[],
  planned: readonly (string | null)[],
  looks: ReadonlyMap<string, Look>,
  lit: ReadonlyMap<number, number>,
): void {
  const context = canvas.getContext('2d')!;
  const columns = canvas.width / CELL;
  const frame = getComputedStyle(canvas).color;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const [bucket, name] of holders.entries()) {
    const [x, y] = [(bucket % columns) * CELL, Math.floor(bucket / columns) * CELL];
    const look = name === null ? undefined : looks.get(name);
    context.fillStyle = look?.colour ?? 'rgba(128,128,128,0.25)';
    context.fillRect(x, y, CELL - 1, CELL - 1);
    if (look !== undefined) drawPattern(context, look.pattern, x, y);
    const isMoving = planned[bucket] !== null && planned[bucket] !== name;
    if (isMoving || lit.has(bucket)) {
      context.strokeStyle = frame;
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, CELL - 3, CELL - 3);
    }
  }
}

function drawPattern(context: CanvasRenderingContext2D, pattern: Look['pattern'], x: number, y: number): void {
  const [low, middle, high] = [2, 4, 7];
  context.fillStyle = 'rgba(0,0,0,0.3)';
  if (pattern === 'dots') context.fillRect(x + 3, y + 3, 3, 3);
  if (pattern === 'bars') context.fillRect(x + middle, y, 1.5, CELL - 1);
  if (pattern === 'lines') context.fillRect(x, y + middle, CELL - 1, 1.5);
  if (pattern === 'grid') {
    context.fillRect(x + middle, y, 1, CELL - 1);
    context.fillRect(x, y + middle, CELL - 1, 1);
  }
  if (pattern === 'up' || pattern === 'cross')
    for (let i = low; i <= high; i++) context.fillRect(x + i, y + CELL - 2 - i, 1.2, 1.2);
  if (pattern === 'down' || pattern === 'cross')
    for (let i = low; i <= high; i++) context.fillRect(x + i, y + i, 1.2, 1.2);
}
