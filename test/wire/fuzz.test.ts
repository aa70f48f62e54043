import { describe, expect, it } from 'vitest';
import { locateAttributes } from '../../src/wire/inet-diag/attributes.js';
import {
  decodeInetDiagMessage,
  decodeInetDiagRequest,
  encodeInetDiagMessage,
  inetDiagMessageLength,
} from '../../src/wire/inet-diag/messages.js';
import { formatIPv6 } from '../../src/wire/ip-address.js';
import { decodeAttributes, encodeMessage, errnoOfAnswer, readMessages } from '../../src/wire/netlink.js';
import { decodeTcpInfoAt, tcpInfoLength } from '../../src/wire/tcp-info/decode.js';

/** Numbers that look random and are the same in every run: xorshift32. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** An answer as the kernel gives it: two sockets with attributes, and the end. */
function answer(): Uint8Array {
  const id = { source: new Uint8Array(16), destination: new Uint8Array(16), interfaceIndex: 0, cookie: 1n };
  const socket = (sourcePort: number) =>
    encodeMessage({
      type: 18,
      flags: 2,
      sequence: 1,
      payload: encodeInetDiagMessage({
        family: 10,
        state: 1,
        timer: 2,
        retransmits: 0,
        id: { ...id, sourcePort, destinationPort: 2 },
        expiresMs: 1000,
        receiveQueue: 0,
        sendQueue: 0,
        uid: 0,
        inode: 1,
      }),
      attributes: [
        { type: 8, payload: Uint8Array.of(0) },
        { type: 2, payload: new Uint8Array(tcpInfoLength) },
        { type: 21, payload: new Uint8Array(8) },
      ],
    });
  const done = encodeMessage({ type: 3, flags: 2, sequence: 1, payload: new Uint8Array(4) });
  return Buffer.concat([socket(1), socket(2), done]);
}

/** Where the length of a message or attribute is, which is what a decoder trusts at its peril. */
const lengthsAt = [0, 16 + 72, 16 + 72 + 8, 16 + 72 + 8 + 284, 392, 392 + 88];

// The generic constructor cannot be extended as it is declared.
const ViewOfBuffer = DataView as unknown as new (buffer: ArrayBuffer) => DataView;

/** Changes a few bytes, and every other time a length. */
function damage(bytes: Uint8Array, random: (below: number) => number): void {
  for (let changes = random(4); changes >= 0; changes--) bytes[random(bytes.length)] = random(256);
  if (random(2) === 0) bytes[(lengthsAt[random(lengthsAt.length)] ?? 0) + random(2)] = random(256);
}

/** A view that fails the test when something outside `from` to `to` is read. */
class GuardedView extends ViewOfBuffer {
  from = 0;
  to = 0;

  #check(at: number, length: number): void {
    if (at < this.from || at + length > this.to) throw new Error(`read outside: ${length} bytes at ${at}`);
  }

  override getUint8(at: number): number {
    this.#check(at, 1);
    return super.getUint8(at);
  }

  override getUint16(at: number, little?: boolean): number {
    this.#check(at, 2);
    return super.getUint16(at, little);
  }

  override getUint32(at: number, little?: boolean): number {
    this.#check(at, 4);
    return super.getUint32(at, little);
  }

  override getInt32(at: number, little?: boolean): number {
    this.#check(at, 4);
    return super.getInt32(at, little);
  }

  override getBigUint64(at: number, little?: boolean): bigint {
    this.#check(at, 8);
    return super.getBigUint64(at, little);
  }
}

const found = { infoAt: 0, infoLength: 0, cgroupIdAt: 0 };

/** Reads all that can be read of one socket. */
function readSocket(view: DataView, start: number, end: number): void {
  if (locateAttributes(view, start, end, found) !== undefined) return;
  if (found.infoAt !== 0) {
    const info = decodeTcpInfoAt(view, found.infoAt, found.infoLength);
    // One from each part of the structure, the last among them.
    if (info !== undefined) [info.state, info.totalRetransmits, info.busyMs, info.sendWindow, info.accEcnOptionSeen];
  }
  if (found.cgroupIdAt !== 0) view.getBigUint64(found.cgroupIdAt, true);
  formatIPv6(view, start + 8);
}

/** Reads whatever is there as everything that it could be, and gives the number of messages. */
function readAll(view: GuardedView): number {
  let messages = 0;
  readMessages(view, view.from, view.to, (message) => {
    messages++;
    if (message.start < view.from || message.end > view.to) throw new Error('a message lies outside');
    if (messages * 16 > view.to - view.from) throw new Error('a message was read twice');
    errnoOfAnswer(view, message);
    readSocket(view, message.start, message.end);
  });
  return messages;
}

describe('1,000,000 bad inputs neither crash nor loop nor are read past', () => {
  it('900,000 answers with bytes and lengths changed, cut off anywhere', () => {
    const random = randomNumbers(0x2545f491);
    const whole = answer();
    const margin = 64;
    const bytes = new Uint8Array(whole.length + 2 * margin).fill(0xff);
    const view = new GuardedView(bytes.buffer);
    let messages = 0;
    let damaged = 0;
    for (let run = 0; run < 900_000; run++) {
      bytes.set(whole, margin);
      damage(bytes.subarray(margin, margin + whole.length), random);
      view.from = margin;
      view.to = margin + (run % 3 === 0 ? random(whole.length + 1) : whole.length);
      const count = readAll(view);
      messages += count;
      if (count < 3) damaged++;
    }
    // Inputs that are all refused at the first byte, or all whole, would show nothing.
    expect(messages).toBeGreaterThan(900_000);
    expect(damaged).toBeGreaterThan(200_000);
  });

  it('50,000 buffers of random bytes', () => {
    const random = randomNumbers(0x9e3779b9);
    const bytes = new Uint8Array(512);
    const view = new GuardedView(bytes.buffer);
    for (let run = 0; run < 50_000; run++) {
      for (let at = 0; at < bytes.length; at += 1 + random(4)) bytes[at] = random(run % 2 === 0 ? 256 : 24);
      view.from = random(8);
      view.to = view.from + random(bytes.length - 8);
      readAll(view);
    }
  });

  it('50,000 payloads read whole: requests, sockets, attributes', () => {
    const random = randomNumbers(0x85ebca6b);
    const bytes = new Uint8Array(160);
    const view = new DataView(bytes.buffer);
    let read = 0;
    for (let run = 0; run < 50_000; run++) {
      for (let at = 0; at < bytes.length; at += 1 + random(4)) bytes[at] = random(16);
      const length = random(bytes.length + 40);
      const limit = Math.min(length, bytes.length);
      const socket = decodeInetDiagMessage(view, 0, length);
      expect('what' in socket).toBe(limit < inetDiagMessageLength);
      expect('what' in decodeInetDiagRequest(view, 0, length)).toBe(limit < 56);
      const attributes = decodeAttributes(view, 0, length);
      if (!Array.isArray(attributes)) continue;
      read++;
      const total = attributes.reduce((sum, { payload }) => sum + 4 + payload.length, 0);
      expect(total).toBeLessThanOrEqual(limit);
    }
    expect(read).toBeGreaterThan(100);
  });
});
