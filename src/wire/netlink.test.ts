import { describe, expect, it } from 'vitest';
import {
  decodeAttributes,
  encodeMessage,
  errnoOfAnswer,
  type NetlinkMessage,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  readMessages,
} from './netlink.js';

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function messagesIn(bytes: Uint8Array) {
  const messages: NetlinkMessage[] = [];
  const fault = readMessages(viewOf(bytes), 0, bytes.length, (message) => messages.push({ ...message }));
  return { messages, fault };
}

describe('encodeMessage', () => {
  it('assembles to the bytes the kernel reads', () => {
    const bytes = encodeMessage({
      type: 20,
      flags: NLM_F_REQUEST | NLM_F_DUMP,
      sequence: 0x01020304,
      payload: Uint8Array.of(1, 2, 3, 4),
      attributes: [{ type: 1, payload: Uint8Array.of(9, 8, 7) }],
    });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      ['1c000000', '14000103', '04030201', '00000000', '01020304', '07000100', '09080700'].join(''),
    );
  });

  it('states the length without padding, and pads', () => {
    const bytes = encodeMessage({ type: 3, flags: 0, sequence: 1, payload: Uint8Array.of(5) });
    expect(Buffer.from(bytes).toString('hex')).toBe('11000000030000000100000000000000' + '05000000');
  });

  it('refuses an attribute that its length cannot state', () => {
    const attributes = [{ type: 1, payload: new Uint8Array(65_532) }];
    expect(() => encodeMessage({ type: 1, flags: 0, sequence: 1, payload: new Uint8Array(0), attributes })).toThrow(
      /at most 65531 bytes, got 65532/,
    );
  });
});

describe('readMessages', () => {
  const done = fromHex('14000000 0300 0200 07000000 09000000 00000000');
  const error = fromHex('24000000 0200 0001 08000000 00000000 feffffff 1000000014000000 0800000000000000');

  it('gives each message with where its payload is', () => {
    const { messages, fault } = messagesIn(Uint8Array.from([...done, ...error]));
    expect(fault).toBeUndefined();
    expect(messages).toEqual([
      { type: NLMSG_DONE, flags: 2, sequence: 7, portId: 9, start: 16, end: 20 },
      { type: NLMSG_ERROR, flags: 0x100, sequence: 8, portId: 0, start: 36, end: 56 },
    ]);
  });

  it('reads the errno of an answer', () => {
    const [message] = messagesIn(error).messages as [NetlinkMessage];
    expect(errnoOfAnswer(viewOf(error), message)).toBe(2);
    expect(errnoOfAnswer(viewOf(error), { ...message, end: message.start + 3 })).toEqual({
      what: 'an error message without an error',
      at: 16,
    });
    expect(errnoOfAnswer(viewOf(done), { ...message, type: NLMSG_DONE, end: message.start })).toBe(0);
  });

  it('stops when it is told to', () => {
    let count = 0;
    const both = Uint8Array.from([...done, ...error]);
    const visit = () => {
      count++;
      return false;
    };
    expect(readMessages(viewOf(both), 0, both.length, visit)).toBeUndefined();
    expect(count).toBe(1);
  });

  it.each([
    ['a header that is cut off', '14000000 0300', 'the header of a message is cut off'],
    ['a length of nothing', '00000000 0300 0200 07000000 09000000', 'a message claims a length of 0'],
    ['a length below the header', '0f000000 0300 0200 07000000 09000000', 'a message claims a length of 15'],
    ['a length past the end', '15000000 0300 0200 07000000 09000000 00000000', 'a message of 21 bytes is cut off'],
    ['the greatest length', 'ffffffff 0300 0200 07000000 09000000', 'a message of 4294967295 bytes is cut off'],
  ])('says what is wrong with %s', (_, hex, what) => {
    expect(messagesIn(fromHex(hex))).toEqual({ messages: [], fault: { what, at: 0 } });
  });

  it('gives the whole messages before a bad one', () => {
    const { messages, fault } = messagesIn(
      Uint8Array.from([...done, ...fromHex('01000000 0300 0200 07000000 09000000')]),
    );
    expect(messages).toHaveLength(1);
    expect(fault).toEqual({ what: 'a message claims a length of 1', at: 20 });
  });
});

describe('decodeAttributes', () => {
  it('reads them, without the flags in their types', () => {
    const bytes = fromHex('0500 0880 aa000000 0400 0240');
    expect(decodeAttributes(viewOf(bytes), 0, bytes.length)).toEqual([
      { type: 8, payload: Uint8Array.of(0xaa) },
      { type: 2, payload: new Uint8Array(0) },
    ]);
  });

  it.each([
    ['0500', 'the header of an attribute is cut off'],
    ['0300 0100', 'an attribute claims a length of 3'],
    ['0900 0100 00000000', 'an attribute of 9 bytes is cut off'],
  ])('says what is wrong with %s', (hex, what) => {
    const bytes = fromHex(hex);
    expect(decodeAttributes(viewOf(bytes), 0, bytes.length)).toEqual({ what, at: 0 });
  });
});
