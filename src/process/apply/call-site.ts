/** Where a program called from. */
export interface CallSite {
  /** The package that the file is of, `node:http` and the like for Node.js itself, or else the file. */
  readonly module: string;
  readonly file: string;
  readonly line: number;
}

/** Frames to look through for the caller: a driver's own wrappers are rarely deeper. */
const depth = 12;

/** Returns the path of a frame's file. Names such as `file:///srv/100%/app.js` are no valid URLs and stay as they are. */
function fileOf(frame: NodeJS.CallSite): string | undefined {
  const name: unknown = frame.getFileName();
  if (typeof name !== 'string') return undefined;
  if (!name.startsWith('file://')) return name;
  try {
    return decodeURIComponent(new URL(name).pathname);
  } catch {
    return name;
  }
}

/** The package of a file: what follows the last `node_modules/`. */
function moduleOf(file: string): string {
  if (file.startsWith('node:_http_')) return 'node:http';
  const [, name] = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file) ?? [];
  return name?.replace('\\', '/') ?? file;
}

/**
 * Changes a property of `Error` while `run` runs. Returns undefined if the property is not writable: frozen intrinsics, an
 * accessor.
 */
function withProperty<Result>(
  key: 'prepareStackTrace' | 'stackTraceLimit',
  value: unknown,
  run: () => Result,
): Result | undefined {
  const before = Object.getOwnPropertyDescriptor(Error, key);
  const isWritable = before === undefined ? Object.isExtensible(Error) : before.writable === true;
  if (!isWritable || !Reflect.set(Error, key, value)) return undefined;
  try {
    return run();
  } finally {
    if (before === undefined) Reflect.deleteProperty(Error, key);
    else Reflect.set(Error, key, before.value);
  }
}

function framesBelow(below: (...values: never[]) => unknown): NodeJS.CallSite[] {
  const holder: { stack?: unknown } = {};
  const capture = () => {
    Error.captureStackTrace(holder, below);
    return holder.stack;
  };
  const deeply = () => withProperty('stackTraceLimit', depth, capture);
  const frames = withProperty('prepareStackTrace', (_: unknown, sites: unknown) => sites, deeply);
  return Array.isArray(frames) ? frames : [];
}

/** Returns the first frame above `below`, a function of ours; undefined if the stack is unreadable or has no file. */
export function callSite(below: (...values: never[]) => unknown): CallSite | undefined {
  try {
    for (const frame of framesBelow(below)) {
      const file = fileOf(frame);
      if (file !== undefined) return { module: moduleOf(file), file, line: frame.getLineNumber() ?? 0 };
    }
  } catch {
    // The program has replaced a function that stack traces need.
  }
  return undefined;
}
