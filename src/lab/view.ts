/** `covey lab status` for people, and what its exit code hangs on. Pure. */
import type { LabNode } from './lab.js';

/** Whether `node` does all that it should. Of a lab without agents only service and cable are asked. */
export function isWell(node: LabNode, agents: boolean): boolean {
  const serves = !agents || (node.agent === 'running' && node.report?.state === 'up');
  return serves && node.service === 'running' && node.cable;
}

const TITLES = ['NODE', 'AGENT', 'SERVICE', 'CABLE', 'STATE', 'SHARE', 'REASON'];

export function labLines(nodes: readonly LabNode[], agents: boolean, startCommand: string): readonly string[] {
  const rows = nodes.map((node) => row(node, agents, startCommand));
  return [TITLES, ...rows].map((cells) =>
    cells
      .map((text) => text.padEnd(10))
      .join('')
      .trimEnd(),
  );
}

function row(node: LabNode, agents: boolean, startCommand: string): readonly string[] {
  const own = node.report?.members.find((member) => member.name === node.name);
  const share = own === undefined ? '-' : `${(own.share * 100).toFixed(1)} %`;
  const cable = node.cable ? 'plugged' : 'pulled';
  const reason = reasonOf(node, agents, startCommand);
  return [node.name, node.agent, node.service, cable, node.report?.state ?? '-', share, reason];
}

/** Why a node does not serve; empty where it does. */
function reasonOf({ name, agent, report }: LabNode, agents: boolean, startCommand: string): string {
  if (!agents && agent === 'dead') return 'a lab without agents';
  const remedy = `to undo: ${startCommand} ${name}`;
  if (agent === 'dead') return `its agent has ended (killed?); ${remedy}`;
  if (agent === 'stopped') return `its agent stands still (SIGSTOP); ${remedy}`;
  if (report === null) return 'its agent does not answer (yet)';
  return report.state === 'up' ? '' : report.reason;
}
