/** Hellos, frames and blocks without sockets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FarmKeyring, keyIdOf } from '../../../src/platform/crypto.js';
import {
  answerHello,
  CallerHandshake,
  FRAME,
  LinkError,
  type LinkSelf,
  MessageJoiner,
} from '../../../src/platform/link-session.js';
import { BlockReader } from '../../../src/platform/link-stream.js';

const KEY = new Uint8Array(32).fill(7);
const FARM = new Uint8Array(8).fill(1);
const keyring = new FarmKeyring([KEY], keyIdOf(KEY));
const self = (name: string, incarnation: number): LinkSelf => ({ name, incarnation, farmId: FARM, keyring });
const [A, B] = [self('a', 5), self('b', 6)];

function shake() {
  const caller = new CallerHandshake(A, 'b', 6);
  const { answer, session } = answerHello(B, caller.hello.subarray(2));
  return { caller: caller.finish(answer.subarray(2)), listener: session };
}

describe('hellos', () => {
  it('give both ends the same session', () => {
    const { caller, listener } = shake();
    expect([caller.peer, caller.incarnation, listener.peer, listener.incarnation]).toEqual(['b', 6, 'a', 5]);
    const there = caller.outward.seal(FRAME.last, Buffer.from('there'));
    expect(Buffer.from(listener.inward.open(there.subarray(4))).toString()).toBe('\x03there');
    const back = listener.outward.seal(FRAME.alive, Buffer.from('back'));
    expect(Buffer.from(caller.inward.open(back.subarray(4))).toString()).toBe('\x01back');
  });

  it('give another session each time: frames of one open in no other', () => {
    const [first, second] = [shake(), shake()];
    const frame = first.caller.outward.seal(FRAME.last, Buffer.from('x')).subarray(4);
    expect(() => second.listener.inward.open(frame)).toThrow(LinkError);
    expect(() => first.caller.inward.open(frame)).toThrow(LinkError);
    expect(first.listener.inward.open(frame)).toBeDefined();
    expect(() => first.listener.inward.open(frame)).toThrow(LinkError);
  });

  it('the caller refuses every answer with a byte changed or missing', () => {
    const caller = new CallerHandshake(A, 'b', 6);
    const answer = answerHello(B, caller.hello.subarray(2)).answer.subarray(2);
    for (let i = 0; i < answer.length; i++) {
      const flipped = new Uint8Array(answer);
      flipped[i]! ^= 1 << (i % 8);
      expect(() => caller.finish(flipped)).toThrow(LinkError);
      expect(() => caller.finish(answer.subarray(0, i))).toThrow(LinkError);
    }
    expect(caller.finish(answer).peer).toBe('b');
  });

  it('the caller refuses an answer to another call, of another incarnation, and its own hello', () => {
    const [caller, other] = [new CallerHandshake(A, 'b', 6), new CallerHandshake(A, 'b', 6)];
    expect(() => caller.finish(answerHello(B, other.hello.subarray(2)).answer.subarray(2))).toThrow('farm key');
    expect(() => caller.finish(answerHello(self('b', 7), caller.hello.subarray(2)).answer.subarray(2))).toThrow(
      'got b 7',
    );
    expect(() => caller.finish(caller.hello.subarray(2))).toThrow(LinkError);
  });

  it('the listener refuses an answer played back as a hello, and a hello for another member', () => {
    const caller = new CallerHandshake(A, 'b', 6);
    const answer = answerHello(B, caller.hello.subarray(2)).answer.subarray(2);
    expect(() => answerHello(A, answer)).toThrow(LinkError);
    expect(() => answerHello(self('c', 1), caller.hello.subarray(2))).toThrow('a hello for b');
  });
});

describe('messages', () => {
  it('are joined, and never beyond 16 MiB', () => {
    const joiner = new MessageJoiner();
    const piece = new Uint8Array(4 * 1024 * 1024);
    for (let i = 0; i < 3; i++) expect(joiner.add(piece, false)).toBeNull();
    expect(joiner.add(piece, true)).toHaveLength(16 * 1024 * 1024);
    for (let i = 0; i < 4; i++) expect(joiner.add(piece, false)).toBeNull();
    expect(() => joiner.add(Uint8Array.of(1), true)).toThrow(LinkError);
  });
});

describe('blocks', () => {
  const tooLong = (length: number): never => {
    throw new RangeError(`${length}`);
  };

  it('come out whole however the stream is cut', () => {
    const blocks = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 });
    fc.assert(
      fc.property(blocks, cuts, (blocks, cuts) => {
        const stream = Buffer.concat(
          blocks.flatMap((block) => [Buffer.of(0, 0, block.length >> 8, block.length & 255), block]),
        );
        const reader = new BlockReader();
        const out: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + cuts[i % cuts.length]!;
          reader.push(stream.subarray(at, end));
          for (let block = reader.next(4, 300, tooLong); block !== null; block = reader.next(4, 300, tooLong))
            out.push(block);
          at = end;
        }
        expect(out.map((block) => [...block])).toEqual(blocks.map((block) => [...block]));
      }),
    );
  });

  it('that would be too long are refused by their length alone', () => {
    const reader = new BlockReader();
    reader.push(Uint8Array.of(0xff, 0xff));
    expect(reader.next(4, 300, tooLong)).toBeNull();
    reader.push(Uint8Array.of(0xff, 0xff));
    expect(() => reader.next(4, 300, tooLong)).toThrow('4294967295');
  });
});
