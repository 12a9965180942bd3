import type { ExplainReport } from '../control/contract.js';
import { endpointText } from './endpoint.js';
import { type Paint, percent } from './style.js';

/** `covey explain` for people. `port` is the client's, where one was given. */
export function explainView(report: ExplainReport, port: number | null, paint: Paint): readonly string[] {
  const { to } = report;
  const target = `${endpointText(to.address, to.port)}/${to.protocol}`;
  const row = (name: string, text: string) => `  ${paint('dim', name.padEnd(7))} ${text}`;
  const isDepending = report.verdict === 'depends';
  return [
    `${paint('bold', endpointText(report.client, port))} -> ${target}`,
    row('rule', report.rule ?? 'none matches'),
    row(
      'bucket',
      isDepending
        ? DEPENDS
        : report.bucket === null
          ? 'none'
          : `${report.bucket}${report.plan === null ? '' : ` of plan ${report.plan}`}`,
    ),
    row('owner', ownerText(report)),
    row('why', report.why),
    ...(isDepending ? [] : [row('here', `${report.node} would ${report.verdict} it (${report.reason})`)]),
    ...withoutRows(report, row),
  ];
}

function withoutRows({ without }: ExplainReport, row: (name: string, text: string) => string): string[] {
  if (without === undefined) return [];
  const shares = without.shares.map(({ name, share }) => `${name} ${percent(share)}`).join(', ');
  return [
    '',
    `  without ${without.nodes.join(', ')}:`,
    row('owner', without.owner ?? 'nobody'),
    row('why', without.why),
    row('shares', shares === '' ? 'nobody is left' : shares),
  ];
}

const DEPENDS = "depends on the client's port";

function ownerText({ owner, planned, verdict }: ExplainReport): string {
  if (verdict === 'depends') return DEPENDS;
  const moves = planned !== null && planned !== owner ? `, on its way to ${planned}` : '';
  return `${owner ?? 'nobody known'}${moves}`;
}
