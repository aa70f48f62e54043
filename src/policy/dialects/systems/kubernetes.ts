import { type Dialect, kernelsOwn, lines } from '../dialect.js';
import { noUserTimeout, sysctlWords, turnsNothingOn } from './sysctl.js';

const sysctl = (name: string, value: string | undefined) => [
  `      - name: net.ipv4.tcp_keepalive_${name}`,
  `        value: "${value}"`,
];

/** The sysctls of a pod, which are those of its network namespace. */
export const kubernetes = (): Dialect => ({
  name: 'kubernetes',
  title: 'Kubernetes, the defaults of the kernel for a pod',
  place: 'the pod, or the template of a Deployment; the namespace of the pod has these sysctls, not the node',
  source:
    'https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/, https://kubernetes.io/docs/reference/node/kernel-version-requirements/',
  words: sysctlWords({ separator: String.raw`["']?\s*(?:,\s*)?["']?value["']?\s*:\s*` }),
  comment: /(?<!\S)#.*/g,
  unsaid: kernelsOwn,
  noUserTimeout,
  off: { never: 'each program turns keepalive on or off itself' },
  turnedOnBy: null,
  notes: [
    turnsNothingOn,
    'all three are safe sysctls since Kubernetes 1.29 (Linux 4.5); older kubelets need --allowed-unsafe-sysctls. A pod with hostNetwork cannot have them',
  ],
  write: ({ idle, interval, count }) =>
    lines(
      'spec:',
      '  securityContext:',
      '    sysctls:',
      ...sysctl('time', idle),
      ...sysctl('intvl', interval),
      ...sysctl('probes', count),
    ),
});
