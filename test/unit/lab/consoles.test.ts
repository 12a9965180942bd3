import { expect, it } from 'vitest';
import { fingerprintIn } from '../../../src/lab/consoles.js';

const listening = (fingerprint: string) =>
  `{"level":"info","part":"console","url":"https://0.0.0.0:9443/","fingerprint":"${fingerprint}","msg":"console: listening"}`;

it("finds the fingerprint of the newest console in a node's log, among lines of others", () => {
  expect(fingerprintIn('')).toBeNull();
  expect(fingerprintIn('{"fingerprint":"AA:BB","msg":"something else"}\nno JSON\n')).toBeNull();
  expect(fingerprintIn(['broken {', listening('AA:BB'), '{"msg":"ready"}', listening('CC:0D'), ''].join('\n'))).toBe(
    'CC:0D',
  );
});
