import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicyError } from './errors.js';
import { formatPolicy } from './format.js';
import { detectionTime } from './model/detection-time.js';
import { parsePolicy, readPolicy } from './parse.js';

const seconds = fc.integer({ min: 1, max: 32767 });
const validPolicy = fc.record(
  {
    idle: seconds.map((s) => s * 1000),
    interval: seconds.map((s) => s * 1000),
    count: fc.integer({ min: 1, max: 127 }),
    userTimeout: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  },
  { requiredKeys: ['idle', 'interval', 'count'] },
);

describe('parsePolicy', () => {
  it.each([
    ['30:5:3', { idle: 30_000, interval: 5000, count: 3 }],
    ['30s:5s:3', { idle: 30_000, interval: 5000, count: 3 }],
    ['30:5:3:auto', { idle: 30_000, interval: 5000, count: 3, userTimeout: 45_000 }],
    ['30:5:3:60', { idle: 30_000, interval: 5000, count: 3, userTimeout: 60_000 }],
    ['30:5:3:1500ms', { idle: 30_000, interval: 5000, count: 3, userTimeout: 1500 }],
    ['30:5:3:0', { idle: 30_000, interval: 5000, count: 3, userTimeout: 0 }],
    ['5m:1m:9', { idle: 300_000, interval: 60_000, count: 9 }],
    ['2h:75:9', { idle: 7_200_000, interval: 75_000, count: 9 }],
    ['2000ms:1000ms:3', { idle: 2000, interval: 1000, count: 3 }],
    ['0.5m:5.0:3', { idle: 30_000, interval: 5000, count: 3 }],
    [' 30:5:3 ', { idle: 30_000, interval: 5000, count: 3 }],
    ['32767:32767:127:2147483647ms', { idle: 32_767_000, interval: 32_767_000, count: 127, userTimeout: 2 ** 31 - 1 }],
  ])('reads %s', (text, policy) => {
    expect(parsePolicy(text)).toEqual(policy);
  });

  it.each([
    ['', 'policy'],
    ['30', 'policy'],
    ['30:5', 'policy'],
    ['30:5:3:45:1', 'policy'],
    ['0:5:3', 'idle'],
    ['32768:5:3', 'idle'],
    ['-1:5:3', 'idle'],
    ['1.5:5:3', 'idle'],
    ['500ms:5:3', 'idle'],
    ['30d:5:3', 'idle'],
    ['3e1:5:3', 'idle'],
    ['0x1e:5:3', 'idle'],
    ['NaN:5:3', 'idle'],
    ['Infinity:5:3', 'idle'],
    ['٣٠:5:3', 'idle'],
    ['30:0:3', 'interval'],
    ['30:5 s:3', 'interval'],
    ['30::3', 'interval'],
    ['30:5:0', 'count'],
    ['30:5:128', 'count'],
    ['30:5:3.0', 'count'],
    ['30:5:3s', 'count'],
    ['30:5:-3', 'count'],
    ['30:5:3:', 'userTimeout'],
    ['30:5:3:never', 'userTimeout'],
    ['30:5:3:0.5ms', 'userTimeout'],
    ['30:5:3:2147484', 'userTimeout'],
    [`${'9'.repeat(400)}:5:3`, 'idle'],
    ['30000:5000:3', 'policy'],
    ['30000:5000:3:auto', 'policy'],
    ['7200000:75000:9', 'idle'],
    ['30:5:3:45000', 'userTimeout'],
  ])('refuses %s and names %s', (text, field) => {
    expect(() => parsePolicy(text)).toThrow(
      expect.objectContaining({ name: 'PolicyError', code: 'ERR_KEEPALIVE_POLICY', field }),
    );
  });

  it('says what was given, what is allowed and what is nearest', () => {
    expect(() => parsePolicy('1500ms:5:3')).toThrow(
      'idle must be a whole number of seconds from 1 s to 32767 s, got "1500ms"; the nearest are 1 s and 2 s',
    );
  });

  it('takes whole thousands of bare seconds for milliseconds, and says what was probably meant', () => {
    expect(() => parsePolicy('30000:5000:3')).toThrow(
      /got "30000:5000:3"; did you mean '30s:5s:3'\? .*text is seconds/,
    );
    expect(() => parsePolicy('7200000:75:9')).toThrow(/got "7200000"; did you mean '7200s'\?/);
    expect(() => parsePolicy('30:5:3:45000')).toThrow(/got "45000"; did you mean '45s'\?/);
    expect(parsePolicy('30000s:5000s:3')).toEqual({ idle: 30_000_000, interval: 5_000_000, count: 3 });
    expect(formatPolicy('30000s:5000s:3:9000s')).toBe('30000s:5000s:3:9000');
  });

  it.each(['8:1:10:2', '30:5:1:auto', '30:5:3:45ms', '3000:60:5', '7200:1000:9', '30:5:3:2000', '60:10:5:6000'])(
    'takes %s as it is, also as what it was read as',
    (text) => {
      expect(readPolicy(parsePolicy(text))).toEqual(readPolicy(text));
    },
  );

  it('refuses anything but text', () => {
    for (const given of [undefined, null, 30, {}, ['30:5:3'], Symbol('policy'), 30n]) {
      expect(() => parsePolicy(given as string)).toThrow(PolicyError);
    }
  });
});

describe('formatPolicy', () => {
  it.each(['30:5:3', '30:5:3:auto', '30:5:3:60', '2:1:3:1500ms', '7200:75:9:0'])('gives %s back', (text) => {
    expect(formatPolicy(parsePolicy(text))).toBe(text);
    expect(formatPolicy(text)).toBe(text);
  });

  it('writes every spelling in the one canonical way', () => {
    expect(formatPolicy('30s:5s:3')).toBe('30:5:3');
    expect(formatPolicy('0.5m:5000ms:3:45')).toBe('30:5:3:auto');
    expect(formatPolicy({ idle: '30s', interval: 5000, count: 3 })).toBe('30:5:3');
  });

  it('needs idle, interval and count', () => {
    expect(() => formatPolicy({ idle: 30_000, interval: 5000 })).toThrow(expect.objectContaining({ field: 'count' }));
    expect(() => formatPolicy({ idle: 30_000, interval: 5000, count: 3, rtoMax: 5000 })).toThrow(
      expect.objectContaining({ field: 'rtoMax' }),
    );
    expect(() => formatPolicy({ idle: 'system', interval: 5000, count: 3 })).toThrow(
      expect.objectContaining({ field: 'idle' }),
    );
  });

  it('gives text that reads back as the same policy, for every policy', () => {
    fc.assert(
      fc.property(validPolicy, (policy) => {
        const text = formatPolicy(policy);
        expect(parsePolicy(text)).toEqual(policy);
        expect(formatPolicy(parsePolicy(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('settles any text that parses at its first formatting', () => {
    const duration = fc.oneof(
      seconds.map(String),
      seconds.map((s) => `${s}s`),
      seconds.map((s) => `${s * 1000}ms`),
      fc.integer({ min: 1, max: 546 }).map((m) => `${m}m`),
      fc.integer({ min: 1, max: 9 }).map((h) => `${h}h`),
    );
    const userTimeout = fc.oneof(
      fc.constant(''),
      fc.constant(':auto'),
      duration.map((text) => `:${text}`),
    );
    const text = fc
      .tuple(duration, duration, fc.integer({ min: 1, max: 127 }), userTimeout)
      .filter(([, , , last]) => last !== ':auto')
      .map(([idle, interval, count, last]) => `${idle}:${interval}:${count}${last}`);
    fc.assert(
      fc.property(text, (written) => {
        const canonical = formatPolicy(parsePolicy(written));
        expect(parsePolicy(canonical)).toEqual(parsePolicy(written));
        expect(formatPolicy(parsePolicy(canonical))).toBe(canonical);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('readPolicy', () => {
  it('takes milliseconds, text with a unit, system and nothing', () => {
    expect(readPolicy({ idle: 30_000, interval: '5s', count: 'system' })).toEqual({
      idle: 30_000,
      interval: 5000,
      count: 'system',
      userTimeout: undefined,
    });
    expect(readPolicy(Object.freeze({ idle: '30s', interval: '5s', count: 3, userTimeout: 'auto' })).userTimeout).toBe(
      45_000,
    );
  });

  it.each([
    [{ idle: 30 }, 'idle', "got 30 ms; did you mean '30s'? A number is milliseconds"],
    [{ idle: 30_500 }, 'idle', 'the nearest are 30 s and 31 s'],
    [{ idle: '30' }, 'idle', "text with a unit such as '30s'"],
    [{ interval: Number.NaN }, 'interval', 'got NaN'],
    [{ interval: -1000 }, 'interval', 'got -1 s; the nearest is 1 s'],
    [{ interval: 1e300 }, 'interval', 'the nearest is 32767 s'],
    [{ count: 200 }, 'count', 'got 200'],
    [{ count: '3' }, 'count', 'got "3"'],
    [{ count: 2.5 }, 'count', 'got 2.5'],
    [{ userTimeout: 45 }, 'userTimeout', "got 45; did you mean '45s'? A number is milliseconds"],
    [{ userTimeout: -1 }, 'userTimeout', 'got -1'],
    [{ userTimeout: 0.5 }, 'userTimeout', 'got 0.5'],
    [{ idle: 1000, userTimeout: 'auto' }, 'userTimeout', 'idle, interval and count are not all numbers'],
    [{ probes: 3 }, 'policy', "it is called 'count' here"],
    [{ toString: 3 }, 'policy', 'a field "toString"'],
    [null, 'policy', 'got null'],
    [true, 'policy', 'got true'],
    [[30, 5, 3], 'policy', 'got an array'],
  ])('refuses %j', (policy, field, message) => {
    const act = () => readPolicy(policy as never);
    expect(act).toThrow(PolicyError);
    expect(act).toThrow(expect.objectContaining({ field, message: expect.stringContaining(message) }));
  });
});

const numbers = { idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };

describe('a policy that says whether keepalive is on', () => {
  it('sets numbers without turning keepalive on', () => {
    expect(readPolicy({ idle: '30s', count: 3, enabled: false })).toEqual({ idle: 30_000, count: 3, enabled: false });
    expect(readPolicy({ idle: '30s', enabled: true })).toEqual({ idle: 30_000 });
  });

  it('is a whole state with all numbers, also those that a policy cannot have', () => {
    const state = { enabled: true, idle: 86_400_000, interval: 75_000, count: 9, userTimeout: 45 };
    expect(readPolicy(state)).toEqual({ ...state, rtoMax: 120_000 });
    expect(readPolicy(JSON.parse(JSON.stringify({ ...state, status: 'pending', connections: 'inherited' })))).toEqual(
      readPolicy(state),
    );
    expect(() => readPolicy({ ...state, idle: 30_001 })).toThrow(/nearest are 30 s and 31 s/);
    expect(() => readPolicy({ idle: 86_400_000, enabled: true })).toThrow(/idle must be/);
  });

  it('has the deferred options of a state instead of the interim ones', () => {
    const deferred = { until: 'answered', count: 3 };
    expect(readPolicy({ enabled: true, ...numbers, count: 6, deferred } as never)).toMatchObject({ count: 3 });
  });

  it('is what predictions take', () => {
    expect(formatPolicy({ ...numbers, enabled: true })).toBe('30:5:3:0');
    expect(detectionTime({ ...numbers, enabled: true })).toEqual(detectionTime('30:5:3'));
    expect(detectionTime({ ...numbers, enabled: false })).toEqual(detectionTime(false));
  });
});

describe('durations as Go writes them', () => {
  it.each([
    ['1m30s:5:3', 90_000],
    ['1h:5:3', 3_600_000],
    ['1h30m:5:3', 5_400_000],
    ['1h0m30s:5:3', 3_630_000],
    ['1m500ms500ms:5:3', undefined],
    ['30s1m:5:3', undefined],
    ['1m30:5:3', undefined],
    ['1m 30s:5:3', undefined],
    ['hms:5:3', undefined],
  ])('%s', (text, idle) => {
    if (idle === undefined) expect(() => parsePolicy(text)).toThrow(/idle must be a duration/);
    else expect(parsePolicy(text)).toMatchObject({ idle });
  });

  it('are read in objects and formatted as before', () => {
    expect(readPolicy({ idle: '1m30s', userTimeout: '1m500ms' })).toEqual({ idle: 90_000, userTimeout: 60_500 });
    expect(formatPolicy('1m30s:5:3')).toBe('90:5:3');
  });
});

describe('a message says what to write instead', () => {
  it.each([
    [() => readPolicy({ idel: '30s' } as never), 'did you mean "idle"?'],
    [() => readPolicy({ usertimeout: 1000 } as never), 'did you mean "userTimeout"?'],
    [() => readPolicy({ probes: 3 } as never), "it is called 'count' here"],
    [() => readPolicy({ keepAliveInitialDelay: 1000 } as never), "it is called 'idle' here"],
    [() => readPolicy({ TCP_KEEPINTVL: 5 } as never), "it is called 'interval' here"],
    [
      () => readPolicy({ enable: true, initialDelay: 30_000 } as never),
      `got fields "enable", "initialDelay"; "enable": it is called 'enabled' here, "initialDelay": it is called 'idle' here`,
    ],
    [() => readPolicy({ enabled: 'yes' } as never), 'enabled must be true or false, got "yes"'],
    [() => readPolicy({ status: 'pending', idle: 30_000 } as never), 'got a field "status"'],
    [() => readPolicy({ interval: -1 }), 'to leave it as it is, leave the field out'],
    [() => readPolicy({ count: -1 }), 'to leave it as it is, leave the field out'],
    [() => readPolicy({ userTimeout: '-1s' }), 'to leave it as it is, leave the field out'],
    [() => readPolicy('30:5:3:-1'), 'to leave it as it is, leave the field out'],
    [() => readPolicy('30:-1:3'), 'to leave it as it is, pass an object without the field'],
    [() => readPolicy('30::3'), 'to leave it as it is, pass an object without the field'],
    [
      () => readPolicy({ enabled: true, ...numbers, idle: null } as never),
      'got null; to leave it as it is, leave the field',
    ],
    [() => formatPolicy({ ...numbers, enabled: false }), "the text of keepalive that is off is 'off'"],
  ])('%#', (call, hint) => {
    expect(call).toThrow(hint);
  });

  it("does not offer 'off' where off is refused", () => {
    expect(() => readPolicy(false as never)).toThrow(/^(?!.*'off')/);
  });
});
