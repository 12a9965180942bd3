/** The reach service is opened anew when the VIPs change, and what the last one said of a conflict is asked again. */
import { expect, it } from 'vitest';
import { ReachKeeper } from '../../../src/agent/reach-keeper.js';
import type { ReachDoor } from '../../../src/reach/contract.js';

function bed() {
  const steps: string[] = [];
  const taken = new Set<number>();
  let fails = false;
  let count = 0;
  const keeper = new ReachKeeper({
    open: (onConflict) => {
      const number = ++count;
      return {
        start: async () => {
          steps.push(`start ${number}`);
          if (fails) throw new Error('no permission');
        },
        checkVips: async () => {
          steps.push(`check ${number}`);
          if (taken.has(number)) onConflict(true, 'another host');
        },
        watch: () => void steps.push(`watch ${number}`),
        close: () => void steps.push(`close ${number}`),
      } as unknown as ReachDoor;
    },
    conflict: (bad) => void steps.push(bad ? 'conflict' : 'free'),
    failed: (error) => void steps.push(String(error)),
  });
  const fail = () => {
    fails = true;
  };
  return { keeper, steps, taken, fail };
}

it('asks whose the VIPs are before anything else may begin', async () => {
  const { keeper, steps } = bed();
  expect(() => keeper.door).toThrow('no reach service');
  await keeper.open();
  keeper.door.watch();
  expect(steps).toEqual(['start 1', 'check 1', 'watch 1']);
});

it('a conflict that the last service told of is asked for again, and told to be over', async () => {
  const { keeper, steps, taken } = bed();
  taken.add(1);
  await keeper.open();
  await keeper.reopen();
  expect(steps).toEqual(['start 1', 'check 1', 'conflict', 'close 1', 'start 2', 'check 2', 'free', 'watch 2']);
  steps.length = 0;
  await keeper.reopen();
  expect(steps).toEqual(['close 2', 'start 3', 'watch 3']);
});

it('one that goes on stays a conflict', async () => {
  const { keeper, steps, taken } = bed();
  taken.add(1).add(2);
  await keeper.open();
  await keeper.reopen();
  expect(steps.slice(3)).toEqual(['close 1', 'start 2', 'check 2', 'conflict', 'watch 2']);
});

it('a service that cannot be opened is told, and watches nothing', async () => {
  const { keeper, steps, fail } = bed();
  await keeper.open();
  fail();
  await keeper.reopen();
  expect(steps.slice(2)).toEqual(['close 1', 'start 2', 'Error: no permission']);
});
