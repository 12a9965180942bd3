import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RestartFile } from '../../../src/agent/restart-file.js';
import { replaceFile } from '../../../src/platform/private-file.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-restarts-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () => new RestartFile(directory, replaceFile);

describe('the file of restarts', () => {
  it('gives back what was written, to whoever opens it next; private, and nothing beside it', () => {
    expect(open().read()).toEqual({});
    open().write({ nginx: [1, 2], app: [] });
    open().write({ nginx: [2, 3] });
    expect(open().read()).toEqual({ nginx: [2, 3] });
    expect(readdirSync(directory)).toEqual(['restarts.json']);
    expect(statSync(join(directory, 'restarts.json')).mode & 0o777).toBe(0o600);
  });

  it.each(['', '{', 'null', '[]', '{"services":null}', '{"version":1}'])('takes %j for none', (text) => {
    writeFileSync(join(directory, 'restarts.json'), text);
    expect(open().read()).toEqual({});
  });

  it('takes what it understands of what others wrote, and never more than a service may have', () => {
    const many = Array.from({ length: 5000 }, (_, index) => index);
    const services = { many, odd: [1, 'x', null, 2], none: 'x' };
    writeFileSync(join(directory, 'restarts.json'), JSON.stringify({ version: 1, services }));
    const { many: kept, odd, none } = open().read();
    expect([kept?.length, kept?.at(-1), odd, none]).toEqual([1000, 4999, [1, 2], []]);
  });
});
