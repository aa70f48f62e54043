import { type Dialect, kernelsOwn } from '../dialect.js';
import { noUserTimeout, sysctlWords, turnsNothingOn } from './sysctl.js';

/** The sysctls of a container, as options of `docker run` and as a key of Compose. */
export const docker = (): Dialect => ({
  name: 'docker',
  title: 'Docker and Podman, the defaults of the kernel for a container',
  place: 'docker run, before the image; in a Compose file the same keys are under sysctls:, with a colon',
  source: 'https://docs.docker.com/reference/cli/docker/container/run/#sysctl',
  words: sysctlWords({ separator: String.raw`["']?[ \t]*[=:][ \t]*` }),
  comment: /(?<!\S)#.*/g,
  unsaid: kernelsOwn,
  noUserTimeout,
  off: { never: 'each program turns keepalive on or off itself' },
  turnedOnBy: null,
  notes: [
    turnsNothingOn,
    'with --network host the container has the sysctls of the machine, and Docker refuses these options',
  ],
  write: ({ idle, interval, count }) => {
    const options = { time: idle, intvl: interval, probes: count };
    const written = Object.entries(options).map(([name, value]) => `--sysctl net.ipv4.tcp_keepalive_${name}=${value}`);
    return `${written.join(' ')}\n`;
  },
});
