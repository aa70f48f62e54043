import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { codeOfErrno, SystemCallError, UnsupportedError } from './errors.js';

describe('codeOfErrno', () => {
  it.each(['EBADF', 'EINVAL', 'ENOTSOCK', 'ENOPROTOOPT', 'EPERM', 'EAGAIN', 'EOPNOTSUPP'] as const)(
    'names the errno of %s',
    (code) => {
      expect(codeOfErrno(constants.errno[code])).toBe(code);
    },
  );

  it('gives the number of an errno without a name', () => {
    expect(codeOfErrno(99999)).toBe('ERRNO_99999');
  });
});

describe('SystemCallError', () => {
  it('carries the call, the code and its errno', () => {
    const cause = new Error('why');
    const error = new SystemCallError('setsockopt(TCP_KEEPIDLE)', 'EINVAL', 'idle is too long', cause);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'SystemCallError',
      syscall: 'setsockopt(TCP_KEEPIDLE)',
      code: 'EINVAL',
      errno: -constants.errno.EINVAL,
      message: 'setsockopt(TCP_KEEPIDLE): EINVAL, idle is too long',
      cause,
    });
  });

  it("has errno 0 for a code that is not the kernel's", () => {
    expect(new SystemCallError('open', 'ERR_ACCESS_DENIED', 'no').errno).toBe(0);
  });
});

describe('UnsupportedError', () => {
  it('says what was asked, where, and what it requires', () => {
    const error = new UnsupportedError('reading keepalive', 'Linux');
    expect(error).toMatchObject({
      name: 'UnsupportedError',
      code: 'ERR_KEEPALIVE_UNSUPPORTED',
      feature: 'reading keepalive',
      requires: 'Linux',
    });
    expect(error.platform).toContain(process.platform);
    expect(error.message).toContain(process.version);
    expect(error.message).toContain('it requires Linux');
  });
});
