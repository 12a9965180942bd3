/** A chart of one-second values, by uPlot. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { type Line, valuesAt } from './series.js';
import { clock, short } from './text.js';

export interface ChartProps {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly height?: number;
}

/** Between two times of the axis: no less than there are values. */
const SECONDS_BETWEEN = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900] as const;

export function Chart({ title, times, lines, height = 220 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  /** The second at which somebody points; null: nobody does. The second, not its place: the places move on with the time. */
  const [pointed, setPointed] = useState<number | null>(null);
  const shape = lines.map(({ label }) => label).join(' ');
  useEffect(() => {
    const element = place.current!;
    const colour = getComputedStyle(element).color;
    const axis = {
      stroke: colour,
      grid: { stroke: 'rgba(128,128,128,0.2)', width: 1 },
      ticks: { show: false },
      font: '12px system-ui',
    };
    plot.current = new uPlot(
      {
        width: element.clientWidth,
        height,
        // The last time's text must not be cut off.
        padding: [10, 28, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        hooks: {
          setCursor: [({ cursor, data }) => setPointed(cursor.idx == null ? null : (data[0][cursor.idx] ?? null))],
        },
        scales: { y: { range: (_plot, _low, high) => [0, Math.max(10, (high ?? 0) * 1.1)] } },
        axes: [
          {
            ...axis,
            size: 28,
            space: 90,
            incrs: [...SECONDS_BETWEEN],
            values: (_plot, splits) => splits.map(timeText),
          },
          { ...axis, size: 58 },
        ],
        series: [
          {},
          ...lines.map(({ label, colour: stroke, dash }) => ({
            label,
            stroke,
            width: 2,
            dash: [...dash],
            points: { show: false },
          })),
        ],
      },
      [[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData,
      element,
    );
    const follow = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    follow.observe(element);
    return () => {
      follow.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, height]);
  useEffect(() => {
    plot.current?.setData([[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData);
  }, [times, lines]);
  const newest = lines.map(({ label, values }) => `${label} ${values.at(-1) ?? 'not known'}`).join(', ');
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={place} role="img" aria-label={`${title}. Now: ${newest}`} />
      <Pointed times={times} lines={lines} second={pointed} />
    </figure>
  );
}

/** Always as high, so that nothing jumps; it is for those who point, whoever listens has the table. */
function Pointed({ times, lines, second }: Pick<ChartProps, 'times' | 'lines'> & { readonly second: number | null }) {
  const values = second === null ? null : valuesAt(times, lines, second);
  if (second === null || values === null) {
    return (
      <p class="hint pointed" aria-hidden="true">
        Point at the chart to read a second.
      </p>
    );
  }
  const texts = values.map(({ label, value }) => `${label} ${value === null ? 'not known' : short(value)}`);
  return (
    <p class="hint pointed" aria-hidden="true">
      <strong>{clock(second * 1000)}</strong> {texts.join(' · ')} (packets/s)
    </p>
  );
}

/** What the lines of a chart are, with the newest value of each. */
export function Legend({ lines }: { readonly lines: readonly Line[] }) {
  return (
    <ul class="legend">
      {lines.map(({ label, colour, dash, values }) => (
        <li key={label}>
          <svg width="30" height="10" aria-hidden="true">
            <path d="M0 5H30" stroke={colour} stroke-width="3" stroke-dasharray={dash.join(' ')} />
          </svg>
          {label} <strong>{values.at(-1) == null ? '–' : short(values.at(-1) ?? 0)}</strong>
        </li>
      ))}
    </ul>
  );
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}
