/** Counts, loses and cuts off the packets of a network namespace as they arrive, with nft. */
import { execFileSync } from 'node:child_process';

/** Packets and bytes from the IP header on, both ways. */
export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

interface CounterRow {
  readonly counter?: Traffic & { readonly name: string };
}

function nft(commands: string): void {
  execFileSync('nft', ['-f', '-'], { input: commands });
}

/** Makes the filter, with a counter for each server's port. Drops nothing yet. */
export function countPorts(ports: readonly number[]): void {
  const counters = ports.map((port) => `counter port${port} {}`);
  const rules = ports.flatMap((port) => [
    `tcp dport ${port} counter name port${port}`,
    `tcp sport ${port} counter name port${port}`,
  ]);
  nft(`table inet bench {
    ${counters.join('\n')}
    set gone { type inet_service . inet_service; }
    chain lossy {}
    chain arriving {
      type filter hook input priority 0;
      ${rules.join('\n')}
      tcp sport . tcp dport @gone drop
      tcp dport . tcp sport @gone drop
      jump lossy
    }
  }`);
}

/** What has arrived for or from a server's port, lost packets included. */
export function trafficByPort(): Map<number, Traffic> {
  const { nftables } = JSON.parse(execFileSync('nft', ['-j', 'list', 'counters'], { encoding: 'utf8' })) as {
    nftables: readonly CounterRow[];
  };
  const counters = nftables.flatMap(({ counter }) => (counter === undefined ? [] : [counter]));
  return new Map(counters.map(({ name, packets, bytes }) => [Number(name.slice('port'.length)), { packets, bytes }]));
}

/** Loses this share of the packets, each at random. */
export function setLoss(percent: number): void {
  const rule = `add rule inet bench lossy numgen random mod 10000 < ${Math.round(percent * 100)} drop`;
  nft(`flush chain inet bench lossy\n${percent === 0 ? '' : rule}\n`);
}

/** The ports of a connection: one of a client's is not its alone, since connections to several servers share it. */
export interface PortPair {
  readonly client: number;
  readonly server: number;
}

/** Drops whatever is sent on these connections from now on, either way. */
export function cutOff(connections: readonly PortPair[]): void {
  const elements = connections.map(({ client, server }) => `${client} . ${server}`);
  nft(`add element inet bench gone { ${elements.join(', ')} }\n`);
}

/** Lets through again what was cut off: the ports will be those of other connections. */
export function endCutOff(): void {
  nft('flush set inet bench gone\n');
}
