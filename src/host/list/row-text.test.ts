import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleInfo, exampleRow, inState, off, on } from '../../../test/host/example-row.js';
import { type ConnectionRow, toJson } from './row.js';
import { createRowWriter } from './row-text.js';

const orNull = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: null });
const number = fc.nat();
const names = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('node', 'a "b"', 'tab\t', '\ud800', 'été', 'null'),
);
const endpoints = fc.record({
  address: fc.constantFrom('127.0.0.1', '::1', '10.0.0.5', '2001:db8::1'),
  port: fc.nat(65_535),
});

const rows: fc.Arbitrary<ConnectionRow> = fc
  .record({
    local: endpoints,
    remote: endpoints,
    state: fc.constantFrom('ESTABLISHED', 'LISTEN', 'TIME_WAIT', 'UNKNOWN'),
    timer: orNull(fc.record({ kind: fc.constantFrom('keepalive', 'persist'), expiresMs: number })),
    unanswered: fc.nat(255),
    info: fc.constantFrom(exampleInfo(), undefined),
    netns: number,
    keepAlive: orNull(
      fc.record({ enabled: fc.boolean(), idle: number, interval: number, count: number, userTimeout: number }),
    ),
    process: orNull(fc.record({ pid: number, name: names })),
    unit: orNull(names),
    cgroup: orNull(names),
    verdict: fc.constantFrom('protected', 'slow', 'unprotected', null),
    detection: orNull(fc.record({ quietMs: fc.constantFrom(1, Number.POSITIVE_INFINITY), inFlightMs: orNull(number) })),
  })
  .map(({ keepAlive, process, unit, cgroup, verdict, detection, ...connection }) =>
    exampleRow({
      connection: exampleConnection(connection as Parameters<typeof exampleConnection>[0]),
      keepAlive,
      process,
      unit,
      cgroup,
      verdict: verdict as ConnectionRow['verdict'],
      detection,
    }),
  );

describe('the JSON text of a row', () => {
  const write = createRowWriter();

  it.each([
    ['with everything', exampleRow()],
    ['without a process', exampleRow({ process: null, owners: [], unit: null, cgroup: null })],
    ['without options', exampleRow({ keepAlive: null, verdict: null })],
    [
      'with what the timers tell',
      exampleRow({ keepAlive: { enabled: false, idle: null, interval: null, count: null, userTimeout: null } }),
    ],
    ['without a timer', exampleRow({ connection: exampleConnection({ timer: null }) })],
    ['of a listener', exampleRow({ connection: inState('LISTEN'), keepAlive: off })],
    ['of what is left', exampleRow({ connection: inState('TIME_WAIT', { info: undefined }), keepAlive: on })],
  ])('is that of its JSON form: %s', (_, row) => {
    expect(write(row)).toBe(JSON.stringify(toJson(row)));
  });

  it('is that of its JSON form, whatever the names are and whichever rows came before', () => {
    fc.assert(
      fc.property(rows, (row) => {
        expect(write(row)).toBe(JSON.stringify(toJson(row)));
      }),
      { numRuns: 2000 },
    );
  });
});
