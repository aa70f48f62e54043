import { type ConnectionRow, unitName } from '../../host/list/row.js';
import { servicePorts } from '../../host/list/service-port.js';
import { shownName } from '../../host/owners/processes.js';
import { namesOf } from '../../host/owners/program-name.js';
import { selectionMatcher } from '../../host/selection/match.js';
import type { Selection, SelectionText } from '../../host/selection/selection.js';
import { closestName } from '../../policy/closest-name.js';
import { tally } from '../text/counted.js';
import { optionFlag } from './option-flag.js';

/** A filter by a name or an address, as opposed to one by verdict or state. */
interface Naming {
  /** Returns a sentence: no connection has the given values. */
  says(given: string): string;
  /** Returns the names of a row that the filter accepts. Messages show the first. */
  namesOf(row: ConnectionRow): readonly string[];
}

const hasPeer = ({ connection }: ConnectionRow) => connection.state !== 'LISTEN';

function namings(rows: readonly ConnectionRow[]) {
  const portOf = servicePorts(rows.map(({ connection }) => connection));
  const namesOfOwners = ({ owners }: ConnectionRow) => owners.flatMap((owner) => [shownName(owner), ...namesOf(owner)]);
  return {
    pid: {
      says: (given) => `process ${given} has no connection`,
      namesOf: ({ owners }) => owners.map(({ pid }) => `${pid}`),
    },
    process: { says: (given) => `no program ${given} has a connection`, namesOf: namesOfOwners },
    command: { says: (given) => `no process with the command line ${given} has a connection`, namesOf: namesOfOwners },
    port: {
      says: (given) => `no connection or listener is at port ${given}`,
      namesOf: ({ connection }) => {
        const { state, local } = connection;
        const name = state === 'LISTEN' ? `local:${local.port}` : portOf(connection);
        return [name, name.slice(name.indexOf(':') + 1)];
      },
    },
    local: {
      says: (given) => `no connection or listener has the local address ${given}`,
      namesOf: ({ connection }) => [connection.local.address],
    },
    remote: {
      says: (given) => `no connection has the remote address ${given}`,
      namesOf: (row) => (hasPeer(row) ? [row.connection.remote.address] : []),
    },
    cgroup: {
      says: (given) => `no connection is of cgroup ${given}`,
      namesOf: ({ cgroup }) => (cgroup === null ? [] : [cgroup]),
    },
    unit: {
      says: (given) => `no unit or container ${given} has a connection`,
      namesOf: (row) => [unitName(row), row.unit].filter((name) => name !== null),
    },
  } satisfies { readonly [filter in keyof Selection]: Naming };
}

const mostNames = 4;

/** Returns the names that most rows have. */
function frequentNames(rows: readonly ConnectionRow[], naming: Naming): string[] {
  return tally(rows.flatMap((row) => naming.namesOf(row).slice(0, 1))).map(([name]) => name);
}

/** Returns the nearest names: a name that differs by a slip, else names that contain the given text, else the most frequent names. */
function nearestNames(given: readonly string[], rows: readonly ConnectionRow[], naming: Naming): string {
  const frequent = frequentNames(rows, naming);
  const all = [...new Set([...frequent, ...rows.flatMap((row) => naming.namesOf(row))])];
  const meant = given.map((text) => closestName(text, all)).find((name) => name !== undefined);
  if (meant !== undefined) return `; did you mean "${meant}"?`;
  const isClose = (name: string) => given.some((text) => text.length > 2 && name.includes(text.replaceAll('*', '')));
  const close = frequent.filter(isClose);
  const shown = (close.length > 0 ? close : frequent).slice(0, mostNames);
  const more = frequent.length > shown.length ? ', ...' : '';
  return shown.length === 0 ? '' : `; there are ${shown.map((name) => `"${name}"`).join(', ')}${more}`;
}

/**
 * Returns a sentence that says why nothing matches the filters by name and address; `undefined` if connections match these filters,
 * and only filters such as `verdict` exclude the connections.
 *
 * @param rows The connections that are there without these filters.
 * @param text The filters as they were given.
 */
export function explainUnmatched(
  rows: readonly ConnectionRow[],
  selection: Selection,
  text: SelectionText,
): string | undefined {
  const byFilter = namings(rows);
  const named = (Object.keys(byFilter) as (keyof typeof byFilter)[]).filter((name) => selection[name] !== undefined);
  const matches = (names: readonly (keyof typeof byFilter)[]) => {
    const matcher = selectionMatcher(Object.fromEntries(names.map((name) => [name, selection[name]])));
    return rows.some((row) => matcher.matches(row));
  };
  if (named.length === 0 || matches(named)) return undefined;
  if (rows.length === 0) return 'there is no connection';
  const sentences = named
    .filter((name) => !matches([name]))
    .map((name) => {
      const given = [text[name] ?? []].flat().flatMap((value) => (name === 'command' ? value : value.split(',')));
      return (
        byFilter[name].says(given.map((value) => `"${value}"`).join(' or ')) + nearestNames(given, rows, byFilter[name])
      );
    });
  if (sentences.length > 0) return sentences.join('; ');
  return `no connection matches ${named.map(optionFlag).join(' and ')} together`;
}
