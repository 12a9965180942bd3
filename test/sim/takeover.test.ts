/**
 * One node is cut off in each of the ways that the namespaces show (test/netns/membership-*), at drawn phases of all heartbeats, on quiet
 * machines and on busy ones, whose timers and datagrams come late. The others must take over in time, and may not lose their leases with it.
 * COVEY_SIM_TAKEOVERS lives of each kind (40 unless set).
 */
import { describe, expect, it } from 'vitest';
import { type Conditions, type Cut, type Outcome, takeover } from './takeover.js';

const LIVES = Number(process.env.COVEY_SIM_TAKEOVERS ?? 40);
const TIMEOUT = { timeout: 600_000 };

const QUIET = { name: 'in time', timersLateMs: 0, delayMs: 1 };
const BUSY = { name: 'timers up to 40 ms late', timersLateMs: 40, delayMs: 20 };
const OVERLOADED = { name: 'timers up to 80 ms late', timersLateMs: 80, delayMs: 40 };
type Machine = typeof QUIET;

/** Clients all the time, and none at all. */
const TRAFFIC = [5, 0];

/** Of all lives of one kind, those whose outcome is not as it should be, each with the words that replay it. */
function wrong(
  machine: Machine,
  more: Pick<Conditions, 'cut' | 'udp' | 'nodes'>,
  isRight: (outcome: Outcome) => boolean,
) {
  const { timersLateMs, delayMs } = machine;
  const found: string[] = [];
  for (const packetEveryMs of TRAFFIC) {
    const conditions: Conditions = { ...more, timersLateMs, delayMs, packetEveryMs };
    for (let seed = 1; seed <= LIVES / TRAFFIC.length; seed++) {
      const outcome = takeover(seed, conditions);
      if (outcome.violation === null && isRight(outcome)) continue;
      found.push(`takeover(${seed}, ${JSON.stringify(conditions)}): ${JSON.stringify(outcome)}`);
    }
  }
  return found;
}

describe('no frame comes in any more, and all that the node says is heard', () => {
  for (const nodes of [2, 3, 5]) {
    for (const udp of [false, true]) {
      const where = `one of ${nodes}${udp ? ', with a second network for heartbeats' : ''}`;

      for (const [machine, budgetMs] of [
        [QUIET, 650],
        [BUSY, 750],
      ] as const) {
        it(
          `${where}, ${machine.name}: it waits, the others take over within ${budgetMs} ms, and none lapses`,
          TIMEOUT,
          () => {
            const isRight = ({ takenOverMs, otherLapses, victim }: Outcome): boolean =>
              takenOverMs < budgetMs && otherLapses === 0 && victim.startsWith('waiting (deaf');
            expect(wrong(machine, { cut: 'ingress', udp, nodes }, isRight)).toEqual([]);
          },
        );
      }

      it(`${where}, ${OVERLOADED.name}: whoever lapses with it, they take over within 1500 ms`, TIMEOUT, () => {
        const isRight = ({ takenOverMs, victim }: Outcome): boolean =>
          takenOverMs < 1500 && victim.startsWith('waiting (deaf');
        expect(wrong(OVERLOADED, { cut: 'ingress', udp, nodes }, isRight)).toEqual([]);
      });
    }
  }
});

describe('its interface is dead', () => {
  for (const udp of [false, true]) {
    it(
      `${udp ? 'and another network for heartbeats lives: it waits' : 'no other way'}: the others take over`,
      TIMEOUT,
      () => {
        const isRight = ({ takenOverMs, otherLapses, victim }: Outcome): boolean =>
          takenOverMs < 900 && otherLapses === 0 && victim.startsWith('waiting (deaf');
        expect(wrong(BUSY, { cut: 'nic', udp, nodes: 3 }, isRight)).toEqual([]);
      },
    );
  }
});

describe('heartbeats alone are cut', () => {
  it('nobody hears those of one node: it ends its lease, the others take over', TIMEOUT, () => {
    const isRight = ({ takenOverMs, otherLapses, victim }: Outcome): boolean =>
      takenOverMs < 900 && otherLapses === 0 && !victim.startsWith('up');
    expect(wrong(BUSY, { cut: 'mute', udp: false, nodes: 3 }, isRight)).toEqual([]);
  });

  it('one node hears none: someone serves everything again', TIMEOUT, () => {
    for (const machine of [QUIET, BUSY, OVERLOADED]) {
      expect(wrong(machine, { cut: 'deaf', udp: false, nodes: 3 }, ({ servedMs }) => servedMs < 2000)).toEqual([]);
    }
  });

  it('both ways: each side serves everything', TIMEOUT, () => {
    const isRight = ({ takenOverMs, otherLapses, victim }: Outcome): boolean =>
      takenOverMs < 900 && otherLapses === 0 && victim.startsWith('up');
    expect(wrong(BUSY, { cut: 'halves', udp: false, nodes: 3 }, isRight)).toEqual([]);
  });

  for (const cut of ['mute', 'deaf', 'halves'] satisfies Cut[]) {
    it(`${cut}, while they pass on another network: nobody waits, nothing is lost`, TIMEOUT, () => {
      const isRight = ({ servedMs, otherLapses, victim }: Outcome): boolean =>
        servedMs === 0 && otherLapses === 0 && victim.startsWith('up');
      expect(wrong(BUSY, { cut, udp: true, nodes: 3 }, isRight)).toEqual([]);
    });
  }
});
