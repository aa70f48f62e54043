/** A setting that a line holds: `key = value`, or `-key`, which keeps patterns from the key. */
export interface Setting {
  /** The key as a path below /proc/sys; may be a pattern. */
  readonly path: string;
  /** The key as it was written. */
  readonly key: string;
  /** `null` for an exclusion. */
  readonly value: string | null;
  /** Where in the line the value begins. */
  readonly valueStart: number;
}

/** Returns the lines of a text, each with the characters that end it. Joined, the lines are the text. */
function splitLines(text: string): { text: string; ending: string }[] {
  // systemd ends a line at each of these.
  const found = text.matchAll(/([^\r\n\0]*)(\r\n|\n\r|[\r\n\0]|$)/g);
  return [...found].filter(([whole]) => whole !== '').map(([, line = '', ending = '']) => ({ text: line, ending }));
}

/**
 * Returns the path below /proc/sys that a key means. If the first separator is a dot, dots and slashes change places; if it
 * is a slash, the key is a path already (sysctl.d(5)).
 */
function pathOfKey(key: string): string {
  const startsWithDot = /[/.]/.exec(key)?.[0] === '.';
  const path = startsWithDot ? key.replace(/[/.]/g, (separator) => (separator === '.' ? '/' : '.')) : key;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.join('/');
}

/** Returns what a line sets; undefined for a comment, an empty line and anything else that is no assignment. */
function readSetting(line: string): Setting | undefined {
  const [, left = '', equals, blank = '', value = ''] = /^([^=]*)(=([ \t]*)(.*?)[ \t]*)?$/s.exec(line) ?? [];
  const content = line.replace(/^[ \t]+/, '');
  const hasDash = content.startsWith('-');
  if (/^[#;]/.test(content) || (equals === undefined && !hasDash)) return undefined;
  const key = left.replace(/^[ \t]*-?[ \t]*|[ \t]+$/g, '');
  const path = pathOfKey(key);
  if (path === '') return undefined;
  if (equals === undefined) return { path, key, value: null, valueStart: line.length };
  return { path, key, value, valueStart: left.length + 1 + blank.length };
}

/** Returns the settings of a text by line, undefined for a line that sets nothing. */
export function readSettings(text: string): (Setting | undefined)[] {
  return splitLines(text).map((line) => readSetting(line.text));
}

/**
 * Returns the number that the kernel reads from a value, undefined if it would refuse the value. The notation is C's, so
 * `010` is 8, and text behind a blank is not read (kernel/sysctl.c, proc_get_long).
 */
export function numberOfValue(value: string): number | undefined {
  const [, sign, digits] = /^(-?)(0[xX][\da-fA-F]+|0[0-7]*|[1-9]\d*)(?:\s|$)/.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const magnitude = Number(digits.replace(/^0(?=\d)/, '0o'));
  return sign === '-' ? -magnitude : magnitude;
}

/** The numbers that a file is going to set, by key. */
export type WantedValues = ReadonlyMap<string, number>;

/**
 * Returns a configuration file's text with the wanted values: the last assignment of each key gets its value in place, and
 * a missing key is added at the end. Every other character stays. Earlier assignments of the same key stay too: they lose,
 * and they may carry somebody's reason.
 *
 * @param text One character a byte.
 */
export function editedText(text: string, wanted: WantedValues): string {
  const lines = splitLines(text);
  const settings = readSettings(text);
  const ending = lines[0]?.ending === '\r\n' ? '\r\n' : '\n';
  const missing: string[] = [];
  for (const [key, value] of wanted) {
    const index = settings.findLastIndex((setting) => setting?.path === pathOfKey(key));
    const [line, setting] = [lines[index], settings[index]];
    // Behind an exclusion an assignment of its own decides again.
    if (line === undefined || setting === undefined || setting.value === null)
      missing.push(`${key} = ${value}${ending}`);
    else {
      // The kernel reads no further than the first blank: the rest is somebody's remark.
      const rest = line.text.slice(setting.valueStart).replace(/^[^ \t]*/, '');
      line.text = line.text.slice(0, setting.valueStart) + value + rest;
    }
  }
  const gap = missing.length > 0 && lines.at(-1)?.ending === '' ? ending : '';
  return lines.map((line) => line.text + line.ending).join('') + gap + missing.join('');
}

/** Returns the text of a new file. */
export function newText(wanted: WantedValues): string {
  const comment = [
    '# Keepalive of connections that turn it on without values of their own, in seconds and probes.',
    '# Written by tcp-keepalive; to take it back: tcp-keepalive defaults set --undo',
  ];
  return editedText(comment.map((line) => `${line}\n`).join(''), wanted);
}
