/** Numbers, times and states as people read them. Pure. */
const THIN = '\u202f';

export const percent = (part: number, digits = 1) => `${(part * 100).toFixed(digits)}${THIN}%`;

/** 1234567 -> 1.23 M; the unit is the caller's. */
export function short(value: number): string {
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e4, 'k'],
  ] as const) {
    if (value >= size) {
      const shown = value / (letter === 'k' ? 1e3 : size);
      return `${shown.toFixed(shown < 10 ? 2 : shown < 100 ? 1 : 0)}${THIN}${letter}`;
    }
  }
  return String(Math.round(value));
}

export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 1) return `${Math.round(ms)}${THIN}ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)}${THIN}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${THIN}min ${Math.floor(seconds % 60)}${THIN}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}${THIN}h ${Math.floor((seconds % 3600) / 60)}${THIN}min`;
  return `${Math.floor(seconds / 86_400)}${THIN}d ${Math.floor((seconds % 86_400) / 3600)}${THIN}h`;
}

export const plural = (count: number, one: string, many = `${one}s`) => `${short(count)} ${count === 1 ? one : many}`;

/** 14:03:59 of the reader's clock. */
export const clock = (at: string | number) => new Date(at).toLocaleTimeString([], { hour12: false });

export function day(at: string): string {
  return new Date(at).toLocaleDateString([], { year: 'numeric', month: 'short', day: 'numeric' });
}

/** notOwner -> not owner */
export const words = (name: string) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/-/g, ' ')
    .toLowerCase()
    .replace(/\b(vips?|ip|mac|tcp|udp|arp)\b/g, (short) => short.toUpperCase().replace('S', 's'));

/** How a state looks; a shape besides the colour. */
export const STATES: Readonly<
  Record<string, { readonly tone: 'good' | 'busy' | 'bad' | 'off'; readonly mark: string }>
> = {
  up: { tone: 'good', mark: '●' },
  joining: { tone: 'busy', mark: '◔' },
  draining: { tone: 'busy', mark: '◑' },
  waiting: { tone: 'bad', mark: '▲' },
  stopped: { tone: 'off', mark: '■' },
  dead: { tone: 'bad', mark: '✕' },
};
