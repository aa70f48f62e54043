/** Where a program called from. */
export interface CallSite {
  /** The package that the file is of, `node:http` and the like for Node.js itself, or else the file. */
  readonly module: string;
  readonly file: string;
  readonly line: number;
}

/** Frames to look through for the caller: a driver's own wrappers are rarely deeper. */
const depth = 12;

function fileOf(frame: NodeJS.CallSite): string | undefined {
  const name = frame.getFileName() ?? undefined;
  return name?.startsWith('file://') ? decodeURIComponent(new URL(name).pathname) : name;
}

/** The package of a file: what follows the last `node_modules/`. */
function moduleOf(file: string): string {
  if (file.startsWith('node:_http_')) return 'node:http';
  const [, name] = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file) ?? [];
  return name?.replace('\\', '/') ?? file;
}

/** The first frame that called `below`, a function of ours; `undefined` where the stack has no file. */
export function callSite(below: (...values: never[]) => unknown): CallSite | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = depth;
  Error.prepareStackTrace = (_, frames) => frames;
  try {
    Error.captureStackTrace(holder, below);
    const frames = holder.stack as NodeJS.CallSite[];
    for (const frame of frames) {
      const file = fileOf(frame);
      if (file !== undefined) return { module: moduleOf(file), file, line: frame.getLineNumber() ?? 0 };
    }
    return undefined;
  } finally {
    // Put back as it was, also where there was none.
    if (prepareStackTrace === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
