/**
 * A bounded load of many short connections, and what became of each. Run in the client's namespace:
 * `load.js --url http://10.77.0.50/ --rate 200 --seconds 60 [--timeout 900] [--summary FILE] [--names n1,n2,n3]`
 *
 * Every request is a TCP connection of its own, so that each meets the farm's decision afresh. One that is not answered in
 * time is lost: it is not repeated, so a pause of the farm shows in full. Linux repeats a lost SYN after 1 s; the default
 * time-out stays below that, or the kernel's second try would hide what happened to the first.
 */
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { parseArgs } from 'node:util';
import { emptyTotals, type Outcome, summarise, type Totals, tableHead, tableRow, take } from './tally.js';

interface LoadOptions {
  readonly url: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly timeoutMs: number;
  readonly names: readonly string[];
}

function request(url: string, timeoutMs: number): Promise<Outcome> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const finish = (node: string | null, error: string | null): void => {
      clearTimeout(timer);
      resolve({ startMs, endMs: performance.now(), node, error });
    };
    const call = get(url, { agent: false, headers: { connection: 'close' } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () =>
        response.statusCode === 200 ? finish(body.trim(), null) : finish(null, `status ${response.statusCode}`),
      );
    });
    const timer = setTimeout(() => {
      call.destroy();
      finish(null, 'timeout');
    }, timeoutMs);
    call.on('error', (cause: NodeJS.ErrnoException) => finish(null, cause.code ?? cause.message));
  });
}

/** Sends at the rate for the time; `onSecond` is called once per second with what ended in it. */
async function load(
  options: LoadOptions,
  onSecond: (second: Totals, index: number) => void,
  stop: AbortSignal,
): Promise<Totals> {
  const total = emptyTotals();
  let second = emptyTotals();
  const open = new Set<Promise<void>>();
  const begun = performance.now();
  let shown = 0;
  for (let sent = 0; sent < options.ratePerSecond * options.seconds && !stop.aborted; ) {
    const elapsed = (performance.now() - begun) / 1000;
    for (; sent < Math.min(elapsed * options.ratePerSecond, options.ratePerSecond * options.seconds); sent++) {
      const one = request(options.url, options.timeoutMs).then((outcome) => {
        take(total, outcome);
        take(second, outcome);
        open.delete(one);
      });
      open.add(one);
    }
    for (; shown < Math.floor(elapsed); shown++) {
      onSecond(second, shown);
      second = emptyTotals();
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(open);
  onSecond(second, shown);
  return total;
}

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://10.77.0.50/' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    timeout: { type: 'string', default: '900' },
    names: { type: 'string', default: '' },
    summary: { type: 'string' },
  },
});
const options: LoadOptions = {
  url: values.url,
  ratePerSecond: Number(values.rate),
  seconds: Number(values.seconds),
  timeoutMs: Number(values.timeout),
  names: values.names === '' ? [] : values.names.split(','),
};
const controller = new AbortController();
process.once('SIGINT', () => controller.abort()).once('SIGTERM', () => controller.abort());
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
say(tableHead(options.names));
const total = await load(options, (second, index) => say(tableRow(options.names, second, index)), controller.signal);
const summary = summarise(total);
if (values.summary !== undefined) writeFileSync(values.summary, `${JSON.stringify(summary)}\n`);
