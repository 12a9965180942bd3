import { describe, expect, it } from 'vitest';
import { raiseSessionShare } from '../../../src/platform/session-share.js';

function files(stat: string, refuse = false) {
  const written: [string, string][] = [];
  return {
    written,
    parts: {
      pid: 42,
      read: () => stat,
      write: (path: string, text: string) => {
        if (refuse) throw new Error('EPERM');
        written.push([path, text]);
      },
    },
  };
}

describe('the share of our session', () => {
  it('is raised where the session began with us, whatever the program is called', () => {
    const { parts, written } = files('42 (a ) b) S 1 42 42 0 -1 4194304');
    expect(raiseSessionShare(parts)).toBe(true);
    expect(written).toEqual([['/proc/self/autogroup', '-10']]);
  });

  it('is left alone where the session is a terminal’s or a service manager’s', () => {
    const { parts, written } = files('42 (node) S 1 42 7 0 -1 4194304');
    expect(raiseSessionShare(parts)).toBe(false);
    expect(written).toEqual([]);
  });

  it('is gone without where it may not be raised', () => {
    expect(raiseSessionShare(files('42 (node) S 1 42 42 0', true).parts)).toBe(false);
    expect(raiseSessionShare({ ...files('').parts })).toBe(false);
  });
});
