/** Gives up every privilege and then asks for what takes some; `process.argv[2]` is a process of root. */
import { destroyConnections } from '../../src/host/dump/destroy.js';
import { dumpConnections } from '../../src/host/dump/dump.js';
import { networkNamespaces } from '../../src/host/namespaces/network-namespaces.js';
import { inNetworkNamespace, ownNamespacePath } from '../../src/native/network-namespace.js';
import { loopbackPair } from '../../src/testing/index.js';

export interface UnprivilegedResult {
  readonly listed: number;
  readonly destroyed: readonly { outcome: string; code: string | undefined; message: string | undefined }[];
  readonly foreignNamespace: string;
  readonly ownNamespace: string;
  readonly incomplete: ReturnType<typeof networkNamespaces>['incomplete'];
}

const nobody = 65_534;

function messageOf(action: () => unknown): string {
  try {
    action();
    return 'nothing was thrown';
  } catch (error) {
    return (error as Error).message;
  }
}

using pair = await loopbackPair();
// Loads the FFI: the project may lie where only root can read.
dumpConnections();
process.setgroups?.([]);
process.setgid?.(nobody);
process.setuid?.(nobody);

const { localPort, remotePort } = pair.client;
const connections = dumpConnections().connections.filter(
  ({ local, remote }) => local.port === localPort && remote.port === remotePort,
);
const results = destroyConnections(connections);
const result: UnprivilegedResult = {
  listed: connections.length,
  destroyed: results.map(({ outcome, error }) => ({
    outcome,
    code: error !== undefined && 'code' in error ? error.code : undefined,
    message: error?.message,
  })),
  foreignNamespace: messageOf(() => inNetworkNamespace(Number(process.argv[2]), () => undefined)),
  ownNamespace: messageOf(() => inNetworkNamespace(ownNamespacePath, () => undefined)),
  incomplete: networkNamespaces().incomplete,
};
console.log(JSON.stringify(result));
