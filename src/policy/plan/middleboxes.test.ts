import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../configuration-error.js';
import { readDuration } from '../duration.js';
import { middleboxes, middleboxOf, probedTimeoutMs } from './middleboxes.js';

const names = middleboxes.map(({ name }) => name);

describe('middleboxes', () => {
  it('have names of their own, none of which is a duration', () => {
    expect(names.length).toBeGreaterThan(40);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) {
      expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      expect(readDuration(name, 's')).toBeUndefined();
    }
  });

  it.each(middleboxes)('$name: has a timeout inside its range, and a source or the mark unconfirmed', (middlebox) => {
    const { timeoutMs, settable, sure, source, keepAliveCounts, onExpiry } = middlebox;
    const { leastMs = 0, mostMs = Number.POSITIVE_INFINITY } = settable || {};
    expect(timeoutMs ?? 1000).toBeGreaterThanOrEqual(leastMs);
    expect(timeoutMs ?? 1000).toBeLessThanOrEqual(mostMs);
    expect((timeoutMs ?? 0) % 1000).toBe(0);
    expect(source === 'none').toBe(sure === 'unconfirmed');
    expect(sure).not.toBe('given');
    // A middlebox that closes a connection has an end of it, and its kernel answers probes.
    expect(onExpiry === 'closes').toBe(keepAliveCounts === false);
  });
});

describe('middleboxOf', () => {
  it('returns the middlebox of a name, whatever its case', () => {
    expect(middleboxOf('aws-nlb')).toMatchObject({ timeoutMs: 350_000, onExpiry: 'reset', keepAliveCounts: true });
    expect(middleboxOf(' Azure-LB ')).toBe(middleboxOf('azure-lb'));
    for (const name of names) expect(middleboxOf(name).name).toBe(name);
  });

  it.each([
    ['350s', '350s', 350_000],
    ['350', '350s', 350_000],
    ['5m', '5m', 300_000],
    ['1h30m', '1h30m', 5_400_000],
    ['1.5', '1.5s', 1500],
    [350_000, '350s', 350_000],
    [1500, '1.5s', 1500],
  ])('takes %j as an idle timeout', (given, name, timeoutMs) => {
    expect(middleboxOf(given)).toMatchObject({ name, timeoutMs, keepAliveCounts: true, sure: 'given' });
  });

  it.each([
    ['aws-lb', '; did you mean "aws-nlb", "aws-alb", "aws-clb", "aws-gwlb"?'],
    ['nlb', '; did you mean "aws-nlb", "aws-nlb-tls", "oracle-nlb", "nsx"?'],
    ['azure', '; did you mean "azure-lb", "azure-nat-gateway", "azure-firewall"?'],
    ['istoi', '; did you mean "istio"?'],
    // A word of the title.
    ['pfsense', '; did you mean "pf"?'],
    ['zzz', '; docs/middleboxes.md lists the names'],
    ['', 'got ""'],
    ['0', '; the timeout is above 0'],
    ['-5s', '; docs/middleboxes.md lists the names'],
    ['350000', "; did you mean '350s'? A number in text is seconds; with its unit it is taken as it is"],
    [0, 'got 0; a number is milliseconds above 0'],
    [Number.NaN, 'got NaN; a number is milliseconds above 0'],
    [Number.POSITIVE_INFINITY, 'above 0'],
    [null, 'got null'],
    [{}, 'got an object'],
    ['toString', '; docs/middleboxes.md lists the names'],
    ['x'.repeat(100_000), 'xxx"...; docs/middleboxes.md lists the names'],
  ])('refuses %j', (given, hint) => {
    const read = () => middleboxOf(given as string);
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(hint);
    expect(read).toThrow("middlebox must be a middlebox such as 'aws-nlb' or its idle timeout such as '350s', got ");
  });
});

it('is the same for each caller, whatever one of them does', () => {
  const nlb = middleboxOf('aws-nlb') as { timeoutMs: number; settable: { mostMs?: number } };
  expect(() => {
    nlb.timeoutMs = 1;
  }).toThrow(TypeError);
  expect(() => {
    nlb.settable.mostMs = 1;
  }).toThrow(TypeError);
  expect(() => (middleboxes as unknown[]).pop()).toThrow(TypeError);
  expect(middleboxOf('aws-nlb').timeoutMs).toBe(350_000);
});

it('has a timeout that probes have to beat only where they may count', () => {
  expect(
    ['aws-nlb', 'kemp', 'aws-alb', 'haproxy', 'mobile-carrier'].map((name) => probedTimeoutMs(middleboxOf(name))),
  ).toEqual([350_000, 660_000, undefined, undefined, undefined]);
});
