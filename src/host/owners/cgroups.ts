import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type CgroupPlace, type ProcessPlace, parseCgroupPath, parseProcessCgroups } from './cgroup-path.js';
import { readProcessFile } from './processes.js';

/** Undoes the escapes of /proc/PID/mountinfo: `\040` is a space. */
const unescapeMount = (path: string) =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** Where a hierarchy of cgroups can be seen. */
export interface CgroupMount {
  readonly directory: string;
  /** The cgroup that the directory is: in a container it may be one far from the root. */
  readonly root: string;
}

/** Where a mountinfo says that cgroup version 2 is mounted, or `undefined`. */
export function findCgroupMount(mountinfo: string): CgroupMount | undefined {
  for (const line of mountinfo.split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [, , , root, directory] = mount.split(' ');
    if (filesystem.startsWith('cgroup2 ') && root !== undefined && directory !== undefined) {
      return { directory: unescapeMount(directory), root: unescapeMount(root) };
    }
  }
  return undefined;
}

function readCgroupMount(): CgroupMount | undefined {
  try {
    return findCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return undefined;
  }
}

/** Adds the ids of a directory of cgroups and of all below it. Those that vanish or may not be read are left out. */
function addTree(directory: string, path: string, pathOfId: Map<bigint, string>): void {
  try {
    // The number of a cgroup's directory is its id: fs/kernfs makes the one the other on 64-bit kernels (since 5.5).
    pathOfId.set(statSync(directory, { bigint: true }).ino, path === '' ? '/' : path);
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) addTree(`${directory}/${entry.name}`, `${path}/${entry.name}`, pathOfId);
    }
  } catch {}
}

const nowhere: ProcessPlace = { path: null, unit: null, container: null };

/** The cgroups of this machine as they were when they were first asked for. */
export class Cgroups {
  readonly #mount: CgroupMount | undefined;
  #pathOfId: Map<bigint, string> | undefined;
  readonly #placeOfPath = new Map<string, CgroupPlace>();
  readonly #placeOfPid = new Map<number, ProcessPlace>();
  readonly #placesOfSockets = new Map<number | undefined, Map<bigint | undefined, ProcessPlace>>();

  /** `mount` is where cgroup version 2 is mounted; by default where /proc/self/mountinfo says. */
  constructor(mount: CgroupMount | undefined = readCgroupMount()) {
    this.#mount = mount;
  }

  /** The path of a cgroup, as `/proc/PID/cgroup` would have it; `undefined` for one that is gone, or outside the mount. */
  pathOf(id: bigint): string | undefined {
    return this.#tree().get(id);
  }

  /** The ids of the cgroup with a path and of all below it; empty where there is none. */
  idsBelow(path: string): bigint[] {
    const below = path === '/' ? '/' : `${path}/`;
    return [...this.#tree()].filter(([, other]) => other === path || other.startsWith(below)).map(([id]) => id);
  }

  /** What a path says, remembered. */
  placeOfPath(path: string): CgroupPlace {
    let place = this.#placeOfPath.get(path);
    if (place === undefined) {
      place = parseCgroupPath(path);
      this.#placeOfPath.set(path, place);
    }
    return place;
  }

  /** Where a process is, remembered; nowhere when it is gone. */
  placeOfProcess(pid: number): ProcessPlace {
    let place = this.#placeOfPid.get(pid);
    if (place === undefined) {
      const text = readProcessFile(pid, 'cgroup');
      place = text === undefined ? nowhere : parseProcessCgroups(text);
      this.#placeOfPid.set(pid, place);
    }
    return place;
  }

  /**
   * Where a socket belongs, remembered.
   *
   * The path is that of the socket, which stays in the cgroup that it was made in; where the kernel does not tell, that
   * of the process. The unit and the container are those of the process that has it: a socket that systemd made for a
   * service is the service's. Without one they come from the path.
   */
  placeOfSocket(id: bigint | undefined, pid: number | undefined): ProcessPlace {
    let places = this.#placesOfSockets.get(pid);
    if (places === undefined) {
      places = new Map();
      this.#placesOfSockets.set(pid, places);
    }
    let place = places.get(id);
    if (place === undefined) {
      place = this.#findPlace(id, pid);
      places.set(id, place);
    }
    return place;
  }

  #findPlace(id: bigint | undefined, pid: number | undefined): ProcessPlace {
    const ofProcess = pid === undefined ? nowhere : this.placeOfProcess(pid);
    const isTold = id !== undefined && this.#tree().size > 0;
    const path = isTold ? (this.pathOf(id) ?? null) : ofProcess.path;
    if (ofProcess.unit !== null || ofProcess.container !== null || path === null) return { ...ofProcess, path };
    return { ...this.placeOfPath(path), path };
  }

  #tree(): Map<bigint, string> {
    if (this.#pathOfId === undefined) {
      this.#pathOfId = new Map();
      if (this.#mount !== undefined) {
        const { directory, root } = this.#mount;
        addTree(directory, root === '/' ? '' : root, this.#pathOfId);
      }
    }
    return this.#pathOfId;
  }
}
