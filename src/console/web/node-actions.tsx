/** What may be done to a node, each with what follows from it before it is done. */
import { ask } from './api.js';
import { consequenceOf, type Leave } from './consequences.js';
import { ORDER_LIMIT_MS } from './deed.js';
import type { Member, Peer } from './node-card.js';
import type { Question } from './parts.js';

interface ActionsProps {
  readonly member: Member;
  readonly members: readonly Member[];
  readonly peer: Peer | undefined;
  readonly confirm: (question: Question) => void;
}

export function NodeActions(props: ActionsProps) {
  const { member, confirm } = props;
  const { state } = member;
  const isGone = state === 'dead';
  const button = (label: string, isOff: boolean, question: () => Question) => (
    <button type="button" disabled={isGone || isOff} onClick={() => confirm(question())}>
      {label}
    </button>
  );
  return (
    <div class="buttons">
      {button('Start', state === 'up' || state === 'joining', () => startQuestion(member.name))}
      {button('Drain', state !== 'up', () => leaveQuestion('drain', props))}
      {button('Stop', state === 'stopped', () => leaveQuestion('stop', props))}
      {button('Restart', false, () => leaveQuestion('restart', props))}
    </div>
  );
}

const order =
  (command: string, node: string, more: object = {}) =>
  async () =>
    (await ask<{ message: string }>('POST', '/commands', { command, node, ...more })).message;

const startQuestion = (name: string): Question => ({
  title: `Start ${name}?`,
  text: <p>{name} takes its share again. No connection breaks.</p>,
  verb: `Start ${name}`,
  limitMs: ORDER_LIMIT_MS,
  act: order('start', name),
});

const TITLES: Readonly<Record<Leave, readonly [before: string, after: string]>> = {
  drain: ['Drain', ''],
  stop: ['Stop', ' at once'],
  restart: ['Restart', ''],
};

function leaveQuestion(command: Leave, { member, members, peer }: ActionsProps): Question {
  const { name } = member;
  const { text, outage } = consequenceOf(command, { member, members, connections: peer?.connections ?? null });
  const [before, after] = TITLES[command];
  return {
    title: `${before} ${name}${after}?`,
    text: (
      <>
        {outage !== null && (
          <p class="trouble" data-test="outage">
            <strong>An outage: {outage}.</strong>
          </p>
        )}
        <p>{text}</p>
      </>
    ),
    verb: command === 'stop' ? `Stop ${name} now` : `${before} ${name}`,
    limitMs: ORDER_LIMIT_MS,
    isHarmful: command === 'stop' || outage !== null,
    act: order(command, name, command === 'stop' ? { now: true } : {}),
  };
}
