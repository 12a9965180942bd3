/**
 * Two hosts that use one name. Nobody can tell them apart but they themselves, so they decide: one that serves goes on; among two that
 * do, or two that do not, the lower incarnation. The other waits, calmly, until the first has been silent for lease and margin.
 */
import type { Heartbeat } from './messages.js';
import type { State } from './state.js';
import { outgrow } from './states.js';

/** It names our present incarnation, so it lives now. */
export function hearTwin(s: State, { incarnation, state }: Heartbeat): void {
  const { node: name } = s.settings;
  const isNews = s.twinHeardMs === Number.NEGATIVE_INFINITY;
  s.twinHeardMs = s.nowMs;
  s.twinIncarnation = incarnation;
  const serves = state === 'up' || state === 'draining';
  const givesWay = serves === s.leasing ? incarnation < s.incarnation : serves;
  if (isNews) s.log('error', 'twin', { name, incarnation, waits: givesWay ? 'this host' : 'the other host' });
  if (givesWay) s.conditions.set('twin', `another host uses the name ${name}`);
}

/** Others may refuse what is older than the twin was, so we go above it before we join. */
export function twinIsOver(s: State): void {
  if (s.twinHeardMs === Number.NEGATIVE_INFINITY) return;
  s.twinHeardMs = Number.NEGATIVE_INFINITY;
  s.log('info', 'twin-gone', { name: s.settings.node });
  if (!s.conditions.delete('twin') || s.leasing) return;
  if (s.twinIncarnation > s.incarnation) outgrow(s, s.twinIncarnation);
}
