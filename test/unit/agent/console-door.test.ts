import { expect, it } from 'vitest';
import { ConsoleDoor } from '../../../src/agent/console-door.js';
import type { ControlHandler } from '../../../src/control/contract.js';
import { ControlError } from '../../../src/control/errors.js';

const CONTROL = {} as ControlHandler;

function bed(make = (runDir: string) => ({ directory: `${runDir}/console`, user: 'covey-console' })) {
  const steps: string[] = [];
  const door = new ConsoleDoor('/run/covey', {
    makeConsolePlace: (runDir) => make(runDir) as never,
    hasConsolePlace: () => false,
    giveToConsole: (_, path) => void steps.push(`give ${path}`),
    listenToConsole: async (directory) => {
      steps.push(`listen ${directory}`);
      return { socketPath: `${directory}/control.sock`, close: async () => void steps.push('close') };
    },
  });
  return { door, steps };
}

it('is made once, given to the user of the console, and closed', async () => {
  const { door, steps } = bed();
  const [first, second] = await Promise.all([door.open(CONTROL), door.open(CONTROL)]);
  expect(first).toEqual({ version: 1, directory: '/run/covey/console', user: 'covey-console' });
  expect(second).toBe(first);
  await door.close();
  expect(steps).toEqual(['listen /run/covey/console', 'give /run/covey/console/control.sock', 'close']);
});

it('that cannot be made says so, and is tried again', async () => {
  let isFull = true;
  const { door } = bed((runDir) => {
    if (isFull) throw new Error('ENOSPC');
    return { directory: runDir, user: 'x' };
  });
  await expect(door.open(CONTROL)).rejects.toThrow(ControlError);
  await expect(door.open(CONTROL)).rejects.toThrow(/directory cannot be made: ENOSPC/);
  isFull = false;
  await expect(door.open(CONTROL)).resolves.toMatchObject({ directory: '/run/covey' });
  await expect(bed().door.close()).resolves.toBeUndefined();
});
