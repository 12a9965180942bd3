/** Metrics in the text format of Prometheus (exposition format 0.0.4). Pure. */

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one name. Names follow https://prometheus.io/docs/practices/naming: base units, `_total` for what only grows. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

export const seconds = (ms: number) => ms / 1000;
export const flag = (isSo: boolean) => (isSo ? 1 : 0);

export const gauge = (name: string, help: string, samples: readonly Sample[] | number): Family => ({
  name,
  type: 'gauge',
  help,
  samples: typeof samples === 'number' ? [{ value: samples }] : samples,
});
export const counter = (name: string, help: string, samples: readonly Sample[] | number): Family => ({
  ...gauge(name, help, samples),
  type: 'counter',
});

/** One sample for each of `values`, 1 where it is the present one: so that a series does not end with a change. */
export const stateSet = (label: string, values: readonly string[], present: string): readonly Sample[] =>
  values.map((value) => ({ labels: { [label]: value }, value: flag(value === present) }));

/** Ends with a line end, as the format wants it. A family without samples is left out. */
export function render(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(
      ({ name, type, help, samples }) =>
        `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${samples.map((sample) => line(name, sample)).join('')}`,
    )
    .join('');
}

function line(name: string, { labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`;
}

/** The format has words of its own for what is no number. */
function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

const escapeHelp = (text: string) => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
const escapeLabel = (text: string) => escapeHelp(text).replace(/"/g, '\\"');

/** `relayCopies` -> `relay_copies`; `badIPv4` would be `bad_i_pv4`: there are no such names. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
