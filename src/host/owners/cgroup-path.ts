/** A container, as a path of cgroups names it. */
export interface Container {
  /** `docker`, `podman`, `containerd`, `cri-o`, `kubernetes`, `lxc`, `nspawn`, `ecs`, or `container` for any other. */
  readonly runtime: string;
  /** The first 12 digits of its id, as the runtimes' own tools show it; the name where it has one instead. */
  readonly id: string;
}

/** What a path of cgroups says of the processes in it. */
export interface CgroupPlace {
  /** The innermost service or scope of systemd, else the innermost slice; its name as systemctl takes it. */
  readonly unit: string | null;
  readonly container: Container | null;
}

/** Names of scopes, by the runtimes with systemd's cgroup driver: `docker-<64 digits>.scope`. */
const runtimeOfPrefix: Readonly<Record<string, string>> = {
  docker: 'docker',
  nerdctl: 'containerd',
  'cri-containerd': 'containerd',
  crio: 'cri-o',
  libpod: 'podman',
};

/** Names of parents, by the runtimes that make cgroups themselves: `/docker/<64 digits>`. */
const runtimeOfParent: readonly (readonly [pattern: RegExp, runtime: string])[] = [
  [/^docker$/, 'docker'],
  [/^kubepods/, 'kubernetes'],
  [/^libpod_parent$/, 'podman'],
  [/^ecs$/, 'ecs'],
];

const shortLength = 12;
const shortId = (id: string) => id.slice(0, shortLength);

function runtimeOf(parents: readonly string[]): string {
  for (const parent of [...parents].reverse()) {
    const match = runtimeOfParent.find(([pattern]) => pattern.test(parent));
    if (match !== undefined) return match[1];
  }
  return 'container';
}

/** Undoes systemd's escaping of a name: `\x2d` is `-`. */
export function unescapeUnit(unit: string): string {
  return unit.replace(/(?:\\x[0-9a-f]{2})+/g, (escaped) =>
    new TextDecoder().decode(Uint8Array.from(escaped.slice(2).split('\\x'), (digits) => Number.parseInt(digits, 16))),
  );
}

function namedContainer(name: string): Container | null {
  const lxc = /^lxc\.payload\.(.+)$/.exec(name)?.[1];
  if (lxc !== undefined) return { runtime: 'lxc', id: lxc };
  const machine = /^machine-(.+)\.scope$/.exec(name)?.[1] ?? /^systemd-nspawn@(.+)\.service$/.exec(name)?.[1];
  if (machine === undefined) return null;
  const plain = unescapeUnit(machine);
  // machined also keeps virtual machines: machine-qemu-1-name.scope.
  return /^(qemu|libvirt)-/.test(plain) ? null : { runtime: 'nspawn', id: plain };
}

/** The container that one segment of a path stands for. */
function containerOf(name: string, parents: readonly string[]): Container | null {
  // With a unit's name in front, `kubepods-pod1.slice:cri-containerd:<id>`, the driver was told the wrong form of path.
  const [, prefix, id] = /^(?:.*:)?([a-z-]+?)[-:]([0-9a-f]{64})(?:\.scope)?$/.exec(name) ?? [];
  if (prefix !== undefined && id !== undefined) {
    const runtime = runtimeOfPrefix[prefix];
    // Others are the runtimes' own helpers, such as libpod-conmon and crio-conmon.
    return runtime === undefined ? null : { runtime, id: shortId(id) };
  }
  if (/^[0-9a-f]{64}$/.test(name)) return { runtime: runtimeOf(parents), id: shortId(name) };
  const parent = parents.at(-1);
  if ((parent === 'lxc' || parent === 'lxc.payload') && name !== '') return { runtime: 'lxc', id: name };
  if (/^[0-9a-f]{32}-\d+$/.test(name) && parents.includes('ecs')) return { runtime: 'ecs', id: shortId(name) };
  return namedContainer(name);
}

/** cg_escape() of systemd puts `_` before a name that could be one of the kernel's own files. */
const unescapeName = (name: string) => (name.startsWith('_') ? name.slice(1) : name);

/** Reads a path of cgroups, as `/proc/PID/cgroup` has it, for version 1 or 2. */
export function parseCgroupPath(path: string): CgroupPlace {
  const names = path.split('/').filter((name) => name !== '');
  let unit: string | null = null;
  let slice: string | null = null;
  let container: Container | null = null;
  names.forEach((raw, index) => {
    const name = unescapeName(raw);
    if (/\.(service|scope)$/.test(name)) unit = name;
    else if (name.endsWith('.slice')) slice = name;
    container = containerOf(raw, names.slice(0, index)) ?? container;
  });
  return { unit: unit ?? slice, container };
}

/** Where a process is, by its `/proc/PID/cgroup`. */
export interface ProcessPlace extends CgroupPlace {
  /** The path in the hierarchy of version 2, else in systemd's own, else the one that says most; `null` without any. */
  readonly path: string | null;
}

/**
 * Reads `/proc/PID/cgroup`, a line a hierarchy: `0::/system.slice/ssh.service` is version 2, `4:memory:/docker/<id>`
 * one of version 1.
 */
export function parseProcessCgroups(text: string): ProcessPlace {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    // A process that outlives its cgroup is still in it.
    if (match !== null) paths.set(match[2] as string, (match[3] as string).replace(/ \(deleted\)$/, ''));
  }
  const ordered = [paths.get(''), paths.get('name=systemd'), ...paths.values()].filter((path) => path !== undefined);
  const places = ordered.map(parseCgroupPath);
  const first = ordered.find((path) => path !== '/') ?? ordered[0] ?? null;
  return {
    path: paths.get('') ?? first,
    unit: places.find(({ unit }) => unit !== null)?.unit ?? null,
    container: places.find(({ container }) => container !== null)?.container ?? null,
  };
}
