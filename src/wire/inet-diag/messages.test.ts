import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../netlink.js';
import { stateMask } from '../tcp-info/state.js';
import { locateAttributes } from './attributes.js';
import {
  AF_INET,
  AF_INET6,
  decodeInetDiagMessage,
  decodeInetDiagRequest,
  encodeCompatRequest,
  encodeInetDiagMessage,
  encodeInetDiagRequest,
  extensionBit,
  INET_DIAG_INFO,
  INET_DIAG_SKMEMINFO,
} from './messages.js';

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1);

const id = {
  sourcePort: 443,
  destinationPort: 0xabcd,
  source: mapped,
  destination: Uint8Array.from({ length: 16 }, (_, index) => index),
  interfaceIndex: 7,
  cookie: 0x1122334455667788n,
};

describe('requests', () => {
  it('assemble to the bytes the kernel reads', () => {
    const bytes = encodeInetDiagRequest({
      family: AF_INET,
      extensions: extensionBit(INET_DIAG_INFO) | extensionBit(INET_DIAG_SKMEMINFO),
      states: stateMask(['ESTABLISHED', 'LISTEN']),
    });
    expect(hexOf(bytes)).toBe(`02064200${'02040000'}${'00'.repeat(40)}${'ff'.repeat(8)}`);
  });

  it('name a socket in network order, and its cookie in the machine’s', () => {
    const bytes = encodeInetDiagRequest({ family: AF_INET6, protocol: 132, extensions: 0, states: 0, id });
    expect(hexOf(bytes.subarray(0, 8))).toBe('0a84000000000000');
    expect(hexOf(bytes.subarray(8))).toBe(
      `01bbabcd${hexOf(mapped)}000102030405060708090a0b0c0d0e0f070000008877665544332211`,
    );
    expect(decodeInetDiagRequest(viewOf(bytes), 0, bytes.length)).toEqual({
      family: AF_INET6,
      protocol: 132,
      extensions: 0,
      states: 0,
      id,
    });
  });

  it('of the older kind have their states near the end', () => {
    const bytes = encodeCompatRequest({ extensions: 2, states: 0xfff });
    expect(hexOf(bytes)).toBe(`00000002${'00'.repeat(40)}${'ff'.repeat(8)}ff0f000000000000`);
  });

  it('that are cut off are not read', () => {
    const bytes = encodeInetDiagRequest({ family: 2, extensions: 0, states: 0 });
    expect(decodeInetDiagRequest(viewOf(bytes), 0, 55)).toEqual({ what: 'a request is cut off', at: 0 });
    expect(decodeInetDiagRequest(viewOf(bytes), 1, 57)).toEqual({ what: 'a request is cut off', at: 1 });
  });
});

const message = {
  family: AF_INET6,
  state: 1,
  timer: 2,
  retransmits: 3,
  id,
  expiresMs: 4,
  receiveQueue: 5,
  sendQueue: 6,
  uid: 7,
  inode: 0xfffffffe,
};

describe('answers', () => {
  it('are laid out as the kernel lays them out', () => {
    const bytes = encodeInetDiagMessage(message);
    expect(hexOf(bytes.subarray(0, 8))).toBe('0a01020301bbabcd');
    expect(hexOf(bytes.subarray(52))).toBe('0400000005000000060000000700000' + '0feffffff');
    expect(decodeInetDiagMessage(viewOf(bytes), 0, bytes.length)).toEqual(message);
  });

  it('that are cut off are not read', () => {
    const bytes = encodeInetDiagMessage(message);
    const fault = { what: 'the description of a socket is cut off', at: 0 };
    const found = { infoAt: 1, infoLength: 1, cgroupIdAt: 1 };
    expect(decodeInetDiagMessage(viewOf(bytes), 0, 71)).toEqual(fault);
    expect(locateAttributes(viewOf(bytes), 0, 71, found)).toEqual(fault);
    expect(found).toEqual({ infoAt: 0, infoLength: 0, cgroupIdAt: 0 });
  });

  it('are searched for the attributes that describe a connection', () => {
    const attributes = [
      { type: 8, payload: Uint8Array.of(0) },
      { type: 2, payload: new Uint8Array(232) },
      { type: 21, payload: new Uint8Array(8) },
    ];
    const payload = encodeInetDiagMessage(message);
    const bytes = encodeMessage({ type: 20, flags: 0, sequence: 0, payload, attributes });
    const found = { infoAt: 0, infoLength: 0, cgroupIdAt: 0 };
    expect(locateAttributes(viewOf(bytes), 16, bytes.length, found)).toBeUndefined();
    expect(found).toEqual({ infoAt: 100, infoLength: 232, cgroupIdAt: 336 });
  });
});
