import { release, version } from 'node:os';

/**
 * The first release of each series in which the kernel's TCP iterator no longer takes hold of a connection request that
 * is not counted yet (CVE-2026-74714: a use after free in `bpf_iter_tcp_established_batch`, `net/ipv4/tcp_ipv4.c`, since
 * Linux 5.15). A later series has had it from its start.
 */
const mended: readonly (readonly [major: number, minor: number, patch: number])[] = [
  [6, 1, 183],
  [6, 6, 152],
  [6, 12, 104],
  [6, 18, 45],
  [7, 1, 9],
];

/** Debian names its kernels after the ABI and tells the release in the version. */
const releaseForms = [/\bDebian (\d+)\.(\d+)\.(\d+)/, /^(\d+)\.(\d+)\.(\d+)/];

function numbersOf(kernel: { readonly release: string; readonly version: string }): number[] | undefined {
  const [inVersion, inRelease] = releaseForms as [RegExp, RegExp];
  const match = inVersion.exec(kernel.version) ?? inRelease.exec(kernel.release);
  return match?.slice(1).map(Number);
}

function isMended([major = 0, minor = 0, patch = 0]: readonly number[]): boolean {
  const series = mended.find(([ofMajor, ofMinor]) => ofMajor === major && ofMinor === minor);
  if (series !== undefined) return patch >= series[2];
  const [lastMajor, lastMinor] = mended.at(-1) as readonly [number, number, number];
  return major > lastMajor || (major === lastMajor && minor > lastMinor);
}

/**
 * Why the kernel's TCP iterator is not to be run unless it is asked for: `undefined` where the release is known to be
 * mended. A distribution that mended an older release itself cannot be told from one that did not.
 */
export function tcpIteratorCve(kernel = { release: release(), version: version() }): string | undefined {
  const numbers = numbersOf(kernel);
  if (numbers !== undefined && isMended(numbers)) return undefined;
  return (
    `Linux ${numbers?.join('.') ?? kernel.release} is not known to be free of CVE-2026-74714, by which it corrupts the` +
    " kernel's memory when connections arrive at the same time"
  );
}
