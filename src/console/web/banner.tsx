/** What must not be overlooked: this console or its agent is gone, or the farm warns of something. */
import { movedUrl } from '../addresses.js';
import { type Frame, STALE_AFTER_MS } from '../contract.js';
import { ageOf, type Farm, isStale } from './live.js';
import { duration } from './text.js';

export function Banner({ farm }: { readonly farm: Farm }) {
  const { frame, connected, silentMs } = farm;
  // A connection that is renewed at once is no loss.
  const isGone = frame !== null && (silentMs ?? 0) > (connected ? STALE_AFTER_MS : STALE_AFTER_MS / 2);
  const isAgentGone = frame !== null && !isGone && isStale(farm);
  return (
    <>
      <div class="urgent" aria-live="assertive">
        {!isGone && frame?.moved !== undefined && (
          <div class="banner bad" data-test="moved">
            <Moved frame={frame} /> <Others farm={farm} />
          </div>
        )}
        {isGone && (
          <div class="banner bad" data-test="gone">
            <strong>This console does not answer any more.</strong> <Moved frame={frame} />{' '}
            <span aria-live="off">What you see was true {duration(ageOf(farm) ?? 0)} ago.</span> <Others farm={farm} />
          </div>
        )}
        {isAgentGone && (
          <div class="banner bad" data-test="agent-gone">
            <strong>The agent of this node does not answer</strong>
            {frame.agent.trouble === '' ? '' : `: ${frame.agent.trouble}`}. <Others farm={farm} />
          </div>
        )}
        {frame !== null && !isGone && !isAgentGone && isDead(frame) && (
          <div class="banner bad" data-test="nobody-serves">
            <strong>Nobody serves: the VIPs are dead.</strong> No node holds a client (
            {frame.status?.members.map(({ name, state }) => `${name} is ${state}`).join(', ')}).
          </div>
        )}
      </div>
      <div aria-live="polite">
        {[...(frame?.warnings ?? []), ...(frame?.status?.warnings ?? [])].map((warning) => (
          <div class="banner warn" key={warning}>
            {warning}
          </div>
        ))}
      </div>
    </>
  );
}

/** By the config in force it is elsewhere. */
function Moved({ frame: { moved } }: { readonly frame: Frame }) {
  if (moved === undefined) return null;
  if (moved.listen === null) return <span>The config in force runs no console any more.</span>;
  const url = movedUrl(moved.listen, location.hostname);
  return (
    <span>
      The config in force has this node’s console at{' '}
      {url === null ? `${moved.listen}, for its own host only` : <a href={`${url}${location.hash}`}>{url}</a>}.
    </span>
  );
}

/** Not while one buckets' holder hands them to another: then others hold the rest. */
const isDead = ({ status }: Frame) => status?.members.every(({ share }) => share === 0) ?? false;

function Others({ farm }: { readonly farm: Farm }) {
  const others = farm.frame?.consoles ?? [];
  if (others.length === 0) return <span>No other node offers a console.</span>;
  return (
    <span>
      Go on at{' '}
      {others.map(({ node, url, state }, at) => (
        <span key={node}>
          {at > 0 ? ', ' : ''}
          <a href={`${url}${location.hash}`}>{node}</a>
          {state === 'up' ? '' : ` (${state})`}
        </span>
      ))}
      .
    </span>
  );
}
