import { describe, expect, it } from 'vitest';
import { ASKERS_KIND, AskerExchange } from '../../../src/agent/asker-exchange.js';
import { ASKER_BYTES } from '../../../src/dataplane/contract.js';

type Member = { readonly name: string; readonly state: 'up' | 'dead'; readonly incarnation: number };

/** A data plane that knows so many askers, the newest of them since the last call. */
class Askers {
  known = 0;
  fresh = 0;
  readonly learned: Uint8Array[] = [];

  see(count: number): void {
    this.known += count;
    this.fresh += count;
  }

  takeAskers(all: boolean): Uint8Array {
    const count = all ? this.known : this.fresh;
    this.fresh = 0;
    return new Uint8Array(count * ASKER_BYTES).fill(count);
  }

  learnAskers(records: Uint8Array): void {
    this.learned.push(records);
  }
}

function exchange() {
  const askers = new Askers();
  const sent: { to: string; askers: number }[] = [];
  let members: readonly Member[] = [];
  const it = new AskerExchange({
    node: 'n1',
    dataPlane: askers,
    members: () => members,
    send: (to, message) => {
      if (message.type !== 'opaque' || message.kind !== ASKERS_KIND) throw new Error('another message');
      sent.push({ to, askers: message.body.length / ASKER_BYTES });
    },
  });
  const tick = (...living: readonly Member[]) => {
    members = living;
    sent.length = 0;
    it.tick();
    return [...sent];
  };
  return { askers, it, tick };
}

const up = (name: string, incarnation = 1): Member => ({ name, state: 'up', incarnation });

describe('askers between members', () => {
  it('a newcomer hears of all, also one that began anew; the others of those that are new', () => {
    const { askers, tick } = exchange();
    askers.see(3);
    expect(tick(up('n1'), up('n2'))).toEqual([{ to: 'n2', askers: 3 }]);
    expect(tick(up('n1'), up('n2'))).toEqual([]);
    askers.see(2);
    expect(tick(up('n1'), up('n2'), up('n3'))).toEqual([
      { to: 'n2', askers: 2 },
      { to: 'n3', askers: 5 },
    ]);
    expect(tick(up('n1'), up('n2', 2), up('n3'))).toEqual([{ to: 'n2', askers: 5 }]);
  });

  it('the dead are told nothing, and all again when they are back', () => {
    const { askers, tick } = exchange();
    askers.see(1);
    tick(up('n2'));
    askers.see(1);
    expect(tick({ ...up('n2'), state: 'dead' })).toEqual([]);
    expect(tick(up('n2'))).toEqual([{ to: 'n2', askers: 2 }]);
  });

  it('many go in several messages', () => {
    const { askers, tick } = exchange();
    askers.see(10_000);
    expect(tick(up('n2')).map(({ askers: count }) => count)).toEqual([8192, 1808]);
  });

  it('what others say goes to the data plane', () => {
    const { askers, it: exchanging } = exchange();
    exchanging.receive(new Uint8Array(ASKER_BYTES));
    expect(askers.learned.length).toBe(1);
  });
});
