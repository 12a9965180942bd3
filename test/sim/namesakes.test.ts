/** Two hosts with one name: the one that serves goes on, the other waits until it is gone, and neither fills the log. */
import { describe, expect, it } from 'vitest';
import { namesakes } from './aimed-farms.js';
import { Farm } from './farm.js';

describe('namesakes', () => {
  it('one waits in silence, and comes up when the other is gone', { timeout: 120_000 }, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const schedule = namesakes(seed);
      const farm = new Farm(schedule);
      const twins = farm.hosts.filter(({ name }) => name === 'n1');
      const comesMs = Math.max(...schedule.actions.flatMap(({ kind, atMs }) => (kind === 'start' ? [atMs] : [])));
      const leavesMs = Math.max(...schedule.actions.flatMap(({ kind, atMs }) => (kind === 'kill' ? [atMs] : [])));
      const lines: number[] = [];
      const note = (): void => void lines.push(farm.hosts.reduce((sum, host) => sum + host.lines, 0));
      farm.timeline.at(comesMs + 1500, () => {
        expect(twins.map(({ state }) => state).sort()).toEqual(['up', 'waiting']);
        note();
      });
      farm.timeline.at(leavesMs - 1, note);
      farm.timeline.at(leavesMs + 3000, () => expect(twins.filter(({ state }) => state === 'up')).toHaveLength(1));
      expect(farm.run(), `seed ${seed}`).toBeNull();
      expect(lines[1], `lines of seed ${seed}`).toBe(lines[0]);
      expect(farm.lapses, `lapses of seed ${seed}`).toBe(0);
    }
  });
});
