import { describe, expect, it, vi } from 'vitest';
import { ConfigurationError } from './configuration-error.js';
import { PolicyError } from './errors.js';
import { KeepAliveError } from './keep-alive-error.js';

const wrong = new PolicyError('idle', 1, 'more');

describe('KeepAliveError', () => {
  it('is the base of every error', () => {
    expect(wrong).toBeInstanceOf(KeepAliveError);
    expect(wrong).toBeInstanceOf(Error);
    expect(wrong instanceof ConfigurationError).toBe(false);
    expect(new Error('another') instanceof KeepAliveError).toBe(false);
  });

  it('recognises errors of another copy of the package', async () => {
    vi.resetModules();
    const copy = await import('./errors.js');
    const base = await import('./keep-alive-error.js');
    expect(copy.PolicyError).not.toBe(PolicyError);
    const other = new copy.PolicyError('idle', 1, 'more');
    expect(other instanceof PolicyError).toBe(true);
    expect(other instanceof KeepAliveError).toBe(true);
    expect(wrong instanceof base.KeepAliveError).toBe(true);
    expect((other as unknown) instanceof ConfigurationError).toBe(false);
  });

  it.each([
    null,
    undefined,
    1,
    'text',
    {},
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
      },
    ),
  ])('does not throw for %#, which is none', (value) => {
    expect((value as unknown) instanceof KeepAliveError).toBe(false);
  });
});
