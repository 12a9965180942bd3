import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { families } from '../../../../src/agent/metrics/families.js';
import { render } from '../../../../src/agent/metrics/family.js';
import { COUNTER_NAMES } from '../../../../src/dataplane/counters.js';
import { metricsInput } from './input.js';

const MONITORING = join(import.meta.dirname, '../../../../scripts/monitoring');
// promtool comes with Debian's prometheus (scripts/setup.sh test). Where tests are the word that counts, its absence is a failure.
const isSkipped = spawnSync('promtool', ['--version']).status !== 0 && process.env.CI !== 'true';
const promtool = (words: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync('promtool', words, { input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}`.trim() };
};

describe('the metrics', () => {
  const all = families(metricsInput());
  const text = render(all);
  const seriesValue = (series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.slice(series.length + 1),
    );

  it('are many, each with a name of its own, help and samples', () => {
    expect(all.length).toBeGreaterThan(60);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { name, help, samples } of all) {
      expect(name).toMatch(/^(covey|process)_[a-z0-9_]+$/);
      expect(help).toMatch(/^[A-Z1].*[.]$/);
      expect(samples.length, name).toBeGreaterThan(0);
    }
  });

  it('are called by the conventions: what only grows ends in _total, and nothing else does', () => {
    for (const { name, type } of all) expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
  });

  it('tell of members, reasons and states', () => {
    expect(seriesValue('covey_member_share_ratio{member="n1"}')).toBe(1366 / 4096);
    expect(seriesValue('covey_member_last_heard_seconds{member="n2"}')).toBe(0.012);
    expect(seriesValue('covey_node_state{state="up"}')).toBe(1);
    expect(seriesValue('covey_node_state{state="waiting"}')).toBe(0);
    expect(seriesValue('covey_members{state="up"}')).toBe(3);
    expect(seriesValue('covey_rejected_frames_total{reason="notOwner"}')).toBe('rejectedNotOwner'.length);
    expect(seriesValue('covey_accepted_total')).toBe('accepted'.length);
    expect(seriesValue('covey_notifications_waiting{target="exec",index="1"}')).toBe(2);
    expect(seriesValue('covey_uptime_seconds')).toBe(184);
    expect(seriesValue('covey_member_weight{member="n3"}')).toBe(1);
    expect(seriesValue('covey_member_weight_ratio{member="n3"}')).toBe(0.5);
  });

  it('tell of packets by rule and outcome, zeros too', () => {
    const packets = (outcome: string) => seriesValue(`covey_rule_packets_total{rule="web",outcome="${outcome}"}`);
    const outcomes = ['accepted', 'relayed', 'denied', 'notOwner', 'foreignKeep', 'tableFull'];
    expect(outcomes.map(packets)).toEqual([1200, 3, 0, 7, 0, 0]);
    const [family] = all.filter(({ name }) => name === 'covey_rule_packets_total');
    expect(family?.samples).toHaveLength(outcomes.length);
  });

  it('tell of services and checkers, and what a script said of a custom one', () => {
    expect(seriesValue('covey_service_state{service="nginx",state="ready"}')).toBe(1);
    expect(seriesValue('covey_service_state{service="nginx",state="spent"}')).toBe(0);
    expect(seriesValue('covey_service_restarts{service="nginx"}')).toBe(2);
    expect(seriesValue('covey_service_restarts_limit{service="nginx"}')).toBe(3);
    expect(seriesValue('covey_service_holds_node{service="nginx"}')).toBe(0);
    expect(seriesValue('covey_checker_state{checker="half",type="custom",state="failed"}')).toBe(1);
    expect(seriesValue('covey_checker_state{checker="half",type="custom",state="well"}')).toBe(0);
    expect(seriesValue('covey_checker_failures{checker="web",type="http"}')).toBe(1);
    expect(seriesValue('covey_checker_duration_seconds{checker="web",type="http"}')).toBe(0.004);
    expect(seriesValue('covey_checker_duration_seconds{checker="half",type="custom"}')).toBeNaN();
  });

  it('leave no counter of the packet thread out', () => {
    const named = text
      .split('\n')
      .filter((line) => /^covey_(rejected_frames_total\{|[a-z_]+ )/.test(line))
      .join('\n');
    for (const name of COUNTER_NAMES) {
      const reason = name.replace(/^rejected(?=[A-Z])/, '').replace(/^./, (letter) => letter.toLowerCase());
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      expect(
        named.includes(`reason="${reason}"`) || new RegExp(`^covey_${snake}(_total)? `, 'm').test(named),
        name,
      ).toBe(true);
    }
  });

  it('escape what stands in labels', () => {
    const sample = { labels: { a: 'x"y\\z\n' }, value: Number.POSITIVE_INFINITY };
    expect(render([{ name: 'a', type: 'gauge', help: 'A\nb.', samples: [sample] }])).toBe(
      '# HELP a A\\nb.\n# TYPE a gauge\na{a="x\\"y\\\\z\\n"} +Inf\n',
    );
  });

  it.skipIf(isSkipped)('please promtool', () => {
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
  });
});

describe('dashboard and alert rules', () => {
  const names = new Set(families(metricsInput()).map(({ name }) => name));
  const used = (file: string) => [
    ...new Set(readFileSync(join(MONITORING, file), 'utf8').match(/\b(?:covey|process)_[a-z0-9_]+\b/g)),
  ];

  it.each(['grafana-dashboard.json', 'alert-rules.yaml'])('%s names only metrics that exist', (file) => {
    expect(used(file).length).toBeGreaterThan(5);
    expect(used(file).filter((name) => !names.has(name))).toEqual([]);
  });

  it('the dashboard is JSON with a query in every panel', () => {
    const { panels } = JSON.parse(readFileSync(join(MONITORING, 'grafana-dashboard.json'), 'utf8')) as {
      panels: { type: string; title: string; targets?: { expr: string }[] }[];
    };
    expect(panels.length).toBeGreaterThan(6);
    for (const panel of panels)
      expect(
        panel.targets?.every(({ expr }) => expr !== ''),
        panel.title,
      ).toBe(true);
  });

  it.skipIf(isSkipped)('the rules please promtool', () => {
    const { status, said } = promtool(['check', 'rules', join(MONITORING, 'alert-rules.yaml')]);
    expect(said).toMatch(/SUCCESS: \d+ rules found/);
    expect(status).toBe(0);
  });
});
