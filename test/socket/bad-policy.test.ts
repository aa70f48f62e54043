import net from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { getKeepAlive, type KeepAlivePolicy, PolicyError, setKeepAlive } from '../../src/index.js';
import { libc } from '../../src/native/libc.js';
import { type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { fdOf, kernelState } from '../kernel/descriptor.js';

let pair: LoopbackPair;
beforeAll(async () => {
  pair = await loopbackPair();
  setKeepAlive(pair.client, '90:8:7:60');
});
afterAll(() => pair.close());

function countedCalls(): () => number {
  const spies = [vi.spyOn(libc(), 'setsockopt'), vi.spyOn(libc(), 'getsockopt')];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return () => spies.reduce((total, spy) => total + spy.mock.calls.length, 0);
}

const fields = ['policy', 'enabled', 'idle', 'interval', 'count', 'userTimeout'];

function errorOf(policy: unknown): unknown {
  try {
    return setKeepAlive(pair.client, policy as KeepAlivePolicy);
  } catch (error) {
    return error;
  }
}

const throwing = {
  get idle(): number {
    throw new RangeError('no');
  },
};
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
describe('a policy that is none', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['sub-second text', '500ms:5:3', 'idle', /"500ms".*1 s/],
    ['a fraction of a second', '1.5:5:3', 'idle', /nearest are 1 s and 2 s/],
    ['seconds given as milliseconds', { idle: 30 }, 'idle', /number is milliseconds/],
    ['a fraction in milliseconds', { interval: 5000.5 }, 'interval', /5000.5 ms/],
    ['negative text', '-30:5:3', 'idle', /"-30"/],
    ['a negative number', { interval: -5000 }, 'interval', /-5 s/],
    ['NaN', { idle: Number.NaN }, 'idle', /NaN/],
    ['Infinity', { interval: Number.POSITIVE_INFINITY }, 'interval', /Infinity/],
    ['-Infinity', { count: Number.NEGATIVE_INFINITY }, 'count', /-Infinity/],
    ['too long', '32768:5:3', 'idle', /32767 s/],
    ['huge', { idle: 1e300 }, 'idle', /32767 s/],
    ['beyond every integer', '99999999999999999999:5:3', 'idle', /duration/],
    ['too many probes', '30:5:128', 'count', /1 to 127, got "128"/],
    ['no probes', '30:5:0', 'count', /1 to 127/],
    ['half a probe', { count: 2.5 }, 'count', /whole number/],
    ['probes as text', { count: '3' }, 'count', /got "3"/],
    ['an unknown unit', '30sec:5:3', 'idle', /"30sec"/],
    ['a unit on the probes', '30:5:3s', 'count', /"3s"/],
    ['an exponent', '3e1:5:3', 'idle', /"3e1"/],
    ['hexadecimal', '0x1e:5:3', 'idle', /"0x1e"/],
    ['an object field without a unit', { idle: '30' }, 'idle', /unit/],
    ['a bigint', { idle: 30000n }, 'idle', /30000n/],
    ['a boolean', { idle: true }, 'idle', /true/],
    ['null', { userTimeout: null }, 'userTimeout', /null/],
    ['a symbol', { interval: Symbol('5s') }, 'interval', /Symbol\(5s\)/],
    ['a negative user timeout', { userTimeout: -1 }, 'userTimeout', /-1/],
    ['too long a user timeout', { userTimeout: 2 ** 31 }, 'userTimeout', /2147483647/],
    ['a fraction of a millisecond', '30:5:3:0.0005', 'userTimeout', /milliseconds/],
    ['auto that is too long', '32767:32767:127:auto', 'userTimeout', /4194176 s/],
    ['auto that is too long, in an object', { ...long(), userTimeout: 'auto' }, 'userTimeout', /4194176 s/],
    ['auto of unknown parts', { idle: 30000, userTimeout: 'auto' }, 'userTimeout', /"auto"/],
    ['too few fields', '30:5', 'policy', /idle:interval:count/],
    ['too many fields', '30:5:3:0:0', 'policy', /idle:interval:count/],
    ['empty text', '', 'policy', /got ""/],
    ['an empty fourth field', '30:5:3:', 'userTimeout', /got ""/],
    ["another library's word", { delay: 30000 }, 'policy', /called 'idle'/],
    ['an unknown field', { idle: 30000, 'x\n': 1 }, 'policy', /"x\\n"/],
    ['a state with a number that is not known', { enabled: true, ...long(), userTimeout: null }, 'userTimeout', /null/],
    ['a state of no boolean', { enabled: 1, ...long() }, 'enabled', /true or false, got 1/],
    ["Node's own names", { enable: true, initialDelay: 1 }, 'policy', /"initialDelay": it is called 'idle'/],
    ['undefined', undefined, 'policy', /undefined/],
    ['a number', 30000, 'policy', /30000/],
    ['an array', [30000, 5000, 3], 'policy', /idle, interval, count/],
    ['an empty array', [], 'policy', /an array/],
    ['a promise', Promise.resolve('30:5:3'), 'policy', /an object/],
    ['a map', new Map([['idle', 30000]]), 'policy', /an object/],
    ['boxed text', new String('30:5:3'), 'policy', /idle, interval, count/],
    ['a function', () => '30:5:3', 'policy', /a function/],
    ['a socket', new net.Socket(), 'policy', /idle, interval, count/],
    ['a throwing getter', throwing, 'policy', /threw/],
    ['a revoked proxy', revoked, 'policy', /revoked proxy/],
  ])('is refused and sets nothing: %s', (_name, policy, field, message) => {
    const before = kernelState(fdOf(pair.client));
    const calls = countedCalls();
    const error = errorOf(policy);
    expect(calls()).toBe(0);
    expect(error).toBeInstanceOf(PolicyError);
    expect(error).toMatchObject({ name: 'PolicyError', code: 'ERR_KEEPALIVE_POLICY', field });
    expect((error as PolicyError).message).toMatch(message);
    expect((error as PolicyError).message).toContain((error as PolicyError).allowed);
    expect(kernelState(fdOf(pair.client))).toEqual(before);
  });
});

it('reads each field of a policy once, so that what was checked is what is set', () => {
  const reads: string[] = [];
  const answers = { idle: 30000, interval: 5000, count: 3, userTimeout: 0 };
  const policy = new Proxy(answers, {
    get: (target, field) => {
      reads.push(String(field));
      return reads.filter((read) => read === field).length === 1 ? Reflect.get(target, field) : 500_000;
    },
  });
  expect(setKeepAlive(pair.client, policy)).toEqual({ enabled: true, ...answers });
  expect(reads).toEqual(expect.arrayContaining(Object.keys(answers)));
  setKeepAlive(pair.client, '90:8:7:60');
});

function long(): KeepAlivePolicy {
  return { idle: 32767000, interval: 32767000, count: 127 };
}

/** Milliseconds that idle and interval cannot be. */
const badMs = fc.oneof(
  fc.integer({ min: 32_767_001 }),
  fc.integer({ max: 999 }),
  fc.integer({ min: 1001, max: 32_766_999 }).filter((ms) => ms % 1000 !== 0),
  fc.double().filter((ms) => !Number.isInteger(ms)),
);
const badCount = fc.oneof(
  fc.integer({ min: 128 }),
  fc.integer({ max: 0 }),
  fc.double().filter((count) => !Number.isInteger(count)),
);
const badUserTimeout = fc.oneof(
  fc.integer({ max: -1 }),
  fc.integer({ min: 2 ** 31, max: Number.MAX_SAFE_INTEGER }),
  fc.double().filter((ms) => !Number.isInteger(ms)),
);
const wrongType = fc.oneof(
  fc.boolean(),
  fc.constant(null),
  fc.bigInt(),
  fc.array(fc.integer()),
  fc.object(),
  fc.string().filter((text) => !/^(system|auto|\d+(\.\d+)?(ms|s|m|h))$/.test(text)),
);
const good = fc.constant({ idle: 30000, interval: 5000, count: 3 });
const badObject = fc.oneof(
  fc.tuple(good, fc.constantFrom('idle', 'interval'), fc.oneof(badMs, wrongType)),
  fc.tuple(good, fc.constant('count'), fc.oneof(badCount, wrongType)),
  fc.tuple(good, fc.constant('userTimeout'), fc.oneof(badUserTimeout, wrongType)),
  fc.tuple(
    good,
    fc.string().filter((key) => !fields.includes(key) && key !== '__proto__'),
    fc.anything(),
  ),
);
const badText = fc.oneof(
  fc.string().filter((text) => !/^\s*[\d.]+(ms|s|m|h)?:[\d.]+(ms|s|m|h)?:\d+(:.*)?$/.test(text)),
  badMs.map((ms) => `${ms}ms:5:3`),
  badMs.map((ms) => `30:${ms}ms:3`),
  badCount.map((count) => `30:5:${count}`),
  badUserTimeout.map((ms) => `30:5:3:${ms}ms`),
  fc.tuple(fc.nat(200), fc.nat(200), fc.nat(120)).map((parts) => `${parts.join(':')}:0:0`),
  fc.string({ minLength: 1 }).map((unit) => `30${unit.replace(/^[\d.\s]*(ms|s|m|h)?/, '')}!:5:3`),
);
const badPolicy = fc.oneof(
  badText,
  badObject.map(([policy, field, value]) => ({ ...policy, [field]: value })),
  fc.oneof(fc.integer(), fc.double(), fc.constant(null), fc.constant(undefined), fc.bigInt()),
  fc.array(fc.anything()),
);

describe('random input', () => {
  it('of 10,000 malformed policies gives a PolicyError that names a field, and reaches no system call', () => {
    const before = kernelState(fdOf(pair.client));
    const calls = countedCalls();
    fc.assert(
      fc.property(badPolicy, (policy) => {
        const error = errorOf(policy);
        return error instanceof PolicyError && fields.includes(error.field);
      }),
      { numRuns: 10_000 },
    );
    expect(calls()).toBe(0);
    expect(kernelState(fdOf(pair.client))).toEqual(before);
  });

  it('of 500 valid policies is what the kernel then reports', () => {
    const seconds = fc.integer({ min: 1, max: 32767 });
    const valid = fc.record({
      idle: seconds.map((s) => s * 1000),
      interval: seconds.map((s) => s * 1000),
      count: fc.integer({ min: 1, max: 127 }),
      userTimeout: fc.oneof(fc.constant(0), fc.integer({ min: 200, max: 2 ** 31 - 1 })),
    });
    fc.assert(
      fc.property(valid, (policy) => {
        const expected = { enabled: true, ...policy };
        expect(setKeepAlive(pair.client, policy)).toEqual(expected);
        expect(getKeepAlive(pair.client)).toEqual(expected);
        expect(kernelState(fdOf(pair.client))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
