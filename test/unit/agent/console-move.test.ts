import { expect, it } from 'vitest';
import { consoleMove } from '../../../src/agent/console-move.js';
import { harm } from '../../../src/agent/reload.js';
import { configFrom, MINIMAL } from '../config/examples.js';

const at = (listen: string, ...hosts: string[]) => ({ listen, hosts });

it('warns that pages and links are lost, and says where the consoles are then', () => {
  expect(consoleMove(at('0.0.0.0:9443'), at('0.0.0.0:9444'))).toEqual([
    'the consoles move to 0.0.0.0:9444: every page at 0.0.0.0:9443 goes dark, this one too if you read it there, and so does every link and script that asks there; they are then at https://NODE:9444/, NODE an address or name of any node',
  ]);
  expect(consoleMove(at('0.0.0.0:9443'), at('127.0.0.1:9443'))[0]).toMatch(
    /at https:\/\/127\.0\.0\.1:9443\/, on each node for its own host only$/,
  );
  expect(consoleMove(at('[::]:9443'), at('[fd77::1]:9443'))[0]).toMatch(/then at https:\/\/\[fd77::1\]:9443\/$/);
});

it('warns of a config without a console, and of a name that is refused then', () => {
  expect(consoleMove(at('0.0.0.0:9443'), null)[0]).toMatch(/^console: is gone, so no node runs one: .*covey console/);
  expect(consoleMove(at('a:1', 'x', 'y'), at('a:1', 'y'))).toEqual([
    'the consoles are known as x no more: links and scripts that use that name are refused',
  ]);
});

it('is silent where nothing is lost', () => {
  expect(consoleMove(null, at('a:1'))).toEqual([]);
  expect(consoleMove(at('a:1'), at('a:1', 'x'))).toEqual([]);
});

it('is among the warnings of a dry run', () => {
  const running = configFrom(`${MINIMAL}console: { listen: "0.0.0.0:9443" }\n`);
  expect(harm(running, configFrom(MINIMAL))).toEqual([expect.stringContaining('no node runs one')]);
});
