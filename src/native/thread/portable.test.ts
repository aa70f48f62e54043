import { deserialize, serialize } from 'node:v8';
import { expect, it } from 'vitest';
import { SystemCallError, UnsupportedError } from '../errors.js';
import { fromPortable, toPortable } from './portable.js';

class FileError extends Error {
  override readonly name = 'FileError';
  readonly file = '/etc/sysctl.conf';
}

/** What the other thread gets. */
const sent = (value: unknown) => fromPortable(deserialize(serialize(toPortable(value))), { FileError });

it('keeps the class, the message, the cause and the fields of errors, wherever they stand', () => {
  const cause = new SystemCallError('setns', 'EPERM', 'not permitted');
  const { failed } = sent({ failed: [new UnsupportedError('this', 'that', cause), new FileError('changed')] }) as {
    failed: [UnsupportedError, FileError];
  };
  expect(failed[0]).toBeInstanceOf(UnsupportedError);
  expect(failed[0]).toMatchObject({
    feature: 'this',
    requires: 'that',
    message: new UnsupportedError('this', 'that').message,
  });
  expect(failed[0].cause).toBeInstanceOf(SystemCallError);
  expect(failed[0].cause).toMatchObject({ syscall: 'setns', code: 'EPERM', message: cause.message });
  expect(failed[1]).toBeInstanceOf(FileError);
  expect(failed[1]).toMatchObject({ name: 'FileError', file: '/etc/sysctl.conf', message: 'changed' });
});

it('keeps numbers, bytes, big integers and what is missing', () => {
  const value = { cookie: 2n ** 63n, bytes: Uint8Array.of(1, 2), none: undefined, list: [null, 'text', 1.5] };
  expect(sent(value)).toEqual(value);
});

it('reads out what is decoded only when it is asked for', () => {
  expect(sent({ info: { toJSON: () => ({ rttMs: 2 }) } })).toEqual({ info: { rttMs: 2 } });
});
