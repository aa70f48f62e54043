/** How the command line of an interpreter names its script. */
interface Interpreter {
  readonly names: RegExp;
  /** Options whose value is the next argument. */
  readonly valued?: RegExp;
  /** Options that have the program in them, or in their value: there is no script. */
  readonly inline?: RegExp;
  /** Options whose value is the script. */
  readonly scripted?: RegExp;
  /** Words that may stand before the script. */
  readonly verbs?: readonly string[];
}

const interpreters: readonly Interpreter[] = [
  {
    names: /^(node|nodejs|iojs)$/,
    valued:
      /^(-r|-C|--(require|import|loader|experimental-loader|conditions|env-file|env-file-if-exists|input-type|title|watch-path|inspect-port|test-reporter))$/,
    inline: /^(-[ep]|-pe|--(eval|print|run|test))$/,
    verbs: ['inspect'],
  },
  {
    names: /^bun$/,
    valued: /^(-r|-c|--(preload|config|cwd|env-file))$/,
    inline: /^(-[ep]|--(eval|print))$/,
    verbs: ['run'],
  },
  { names: /^deno$/, valued: /^(-c|--(config|import-map|cert|location))$/, verbs: ['run', 'serve'] },
  { names: /^(python|pypy)[\d.]*$/, valued: /^-[WX]$/, inline: /^-[a-zA-Z]*c$/, scripted: /^-[a-zA-Z]*m$/ },
  {
    names: /^java$/,
    valued:
      /^(-cp|-classpath|-p|--(class-path|module-path|add-modules|add-exports|add-opens|add-reads|limit-modules))$|^@/,
    scripted: /^(-jar|-m|--module)$/,
  },
  { names: /^(ruby|jruby)[\d.]*$/, valued: /^-[CEIr]$/, inline: /^-[a-zA-Z]*e$/ },
  { names: /^perl[\d.]*$/, valued: /^-I$/, inline: /^-[a-zA-Z]*[eE]$/ },
  { names: /^php[\d.]*$/, valued: /^-[cdStz]$/, inline: /^-[rBRE]$/, scripted: /^-[fF]$/ },
  { names: /^(ba|da|z|k|a)?sh$/, valued: /^([-+][oO]|--rcfile|--init-file)$/, inline: /^-[a-z]*[cs]$/ },
  { names: /^dotnet$/, verbs: ['exec'] },
  { names: /^(mono|lua|luajit)[\d.]*$/, inline: /^-e$/ },
];

/** The names of the main thread of Node.js, since 24 and since 26. */
const threadNames: readonly string[] = ['MainThread', 'node-MainThread'];

/** The kernel keeps this many bytes of a name (TASK_COMM_LEN of include/linux/sched.h, less one). */
const commLength = 15;

/** A longer name would only make tables wide: any program can have any command line. */
const mostCharacters = 60;

function interpreterNamed(name: string): Interpreter | undefined {
  return interpreters.find(({ names }) => names.test(name));
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Names that say nothing without the directory that they are in. */
const commonFile = /^(index|main|__main__)(\.|$)/;
const commonDirectory = /^(dist|build|lib|src|bin|out)$/;

/** Returns the end of a script's path that tells it apart: `app.js`, `api/index.js`, `api/dist/main.js`. */
function shortPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  let first = parts.length - 1;
  if (commonFile.test(parts[first] ?? '')) {
    do first -= 1;
    while (commonDirectory.test(parts[first] ?? ''));
  }
  return parts.slice(Math.max(first, 0)).join('/');
}

function scriptOf(args: readonly string[], { valued, inline, scripted, verbs = [] }: Interpreter): string | undefined {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] as string;
    if (scripted?.test(arg) || arg === '--') return args[at + 1];
    if (arg === '-' || inline?.test(arg)) return undefined;
    if (valued?.test(arg)) at += arg.startsWith('@') ? 0 : 1;
    else if (arg !== '' && !/^[-+]/.test(arg) && !verbs.includes(arg)) return arg;
  }
  return undefined;
}

/** Returns a command line without its end of NULs and spaces. An expression such as /\s+$/ takes quadratic time. */
export function withoutPadding(commandLine: string): string {
  let { length } = commandLine;
  while (length > 0 && /[\0\s]/.test(commandLine[length - 1] as string)) length -= 1;
  return commandLine.slice(0, length);
}

/** Returns the words of a command line. A program that sets its title leaves one text, whose words spaces separate. */
function wordsOf(commandLine: string): string[] {
  const args = withoutPadding(commandLine).split('\0');
  return args.length === 1 ? (args[0] as string).trim().split(/\s+/) : args;
}

function isCutTo(comm: string, text: string): boolean {
  return Buffer.from(text).subarray(0, commLength).toString() === comm;
}

/** Returns a name as it was before the kernel cut it, as far as the command line has it. */
function uncut(comm: string, commandLine: string, words: readonly string[]): string {
  if (Buffer.byteLength(comm) < commLength) return comm;
  const file = words
    .slice(0, 2)
    .map(lastPart)
    .find((name) => isCutTo(comm, name));
  if (file !== undefined) return file;
  // A title is cut in the middle of a word.
  return isCutTo(comm, commandLine) ? comm + (/^[^\0\s]*/.exec(commandLine.slice(comm.length))?.[0] ?? '') : comm;
}

/** Returns the name of a program whose command line is a title that it has set itself. */
function titledName(comm: string, commandLine: string, [called = '', ...args]: readonly string[]): string {
  const interpreter = interpreterNamed(called);
  const script = interpreter && scriptOf(args, interpreter);
  return script !== undefined && /[/.]/.test(script) ? `${called} ${shortPath(script)}` : uncut(comm, commandLine, []);
}

function fullName(comm: string, commandLine: string): string {
  if (/\s/.test(comm)) return titledName(comm, commandLine, wordsOf(commandLine));
  const isThread = threadNames.includes(comm);
  const isWhole = Buffer.byteLength(comm) < commLength;
  if (isWhole && !isThread && interpreterNamed(comm) === undefined) return comm;
  const words = wordsOf(commandLine);
  const [called = '', ...args] = words;
  const file = lastPart(called.replace(/^-/, ''));
  const name = isThread ? file || comm : comm;
  const interpreter = interpreterNamed(name);
  if (interpreter === undefined) return isThread ? name : uncut(comm, commandLine, words);
  const script = scriptOf(args, interpreter);
  return script === undefined || script === '' ? name : `${name} ${shortPath(script) || script}`;
}

/**
 * Returns what people call a program: `postgres`, and with an interpreter the script too: `node app.js`, `java shop.jar`.
 *
 * @param comm The kernel's name of the process, at most 15 bytes (`/proc/PID/comm`).
 * @param commandLine The content of `/proc/PID/cmdline`; empty for a kernel thread and a zombie.
 */
export function programName(comm: string, commandLine: string): string {
  const name = fullName(comm, commandLine);
  const characters = name.length > mostCharacters ? [...name] : [];
  return characters.length > mostCharacters ? `${characters.slice(0, mostCharacters - 1).join('')}…` : name;
}

/** Returns the script in a name such as `node api/index.js`; `undefined` for the name of another program. */
export function scriptIn(program: string): string | undefined {
  const at = program.indexOf(' ');
  return at > 0 && interpreterNamed(program.slice(0, at)) ? program.slice(at + 1) : undefined;
}

/** Returns what a program can be called: its name as a whole, the interpreter, and the script with and without its directory. */
export function namesOf({ name, program = name }: { readonly name: string; readonly program?: string }): string[] {
  const script = scriptIn(program);
  if (script === undefined) return [name, program];
  const interpreter = program.slice(0, program.length - script.length - 1);
  const file = lastPart(script);
  return [name, program, interpreter, script, file, `${interpreter} ${file}`];
}
