import { awaitOverrides, mayBeOverridden, mostVerifications } from './idle-override.js';
import type { OptionReading } from './source.js';

/** Sockets of one network namespace, and the options that were read. */
export interface ReadSockets<Socket> {
  readonly sockets: readonly Socket[];
  readonly reading: OptionReading | undefined;
}

/** Returns a reading in which the states of `later` replace earlier ones. */
function replaced(reading: OptionReading, later: OptionReading): OptionReading {
  const { states } = reading;
  const get = (cookie: bigint) => later.states.get(cookie) ?? states.get(cookie);
  return { ...reading, states: { get, size: states.size } };
}

/**
 * Returns each reading without overrides of idle times: waits until every override has been restored, then reads the sockets
 * that may have had one again, with `readAgain`.
 */
export function settledReadings<Socket extends { readonly cookie: bigint }>(
  all: readonly ReadSockets<Socket>[],
  readAgain: (index: number, sockets: readonly Socket[]) => OptionReading,
): (OptionReading | undefined)[] {
  let readings = all.map(({ reading }) => reading);
  let doubtful: readonly (readonly Socket[])[] = all.map(({ sockets }) => sockets);
  for (let attempt = 0; attempt < mostVerifications; attempt += 1) {
    doubtful = doubtful.map((sockets, index) =>
      sockets.filter(({ cookie }) => {
        const state = readings[index]?.states.get(cookie);
        return state !== undefined && mayBeOverridden(state);
      }),
    );
    if (doubtful.every(({ length }) => length === 0)) break;
    awaitOverrides();
    readings = readings.map((reading, index) => {
      const sockets = doubtful[index] as readonly Socket[];
      return reading === undefined || sockets.length === 0 ? reading : replaced(reading, readAgain(index, sockets));
    });
  }
  return readings;
}
