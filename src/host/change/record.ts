import { ConfigurationError } from '../../policy/configuration-error.js';
import { KeepAliveError } from '../../policy/keep-alive-error.js';
import { limits, type SettingField } from '../../policy/policy.js';
import { type KeepAliveState, settingFields } from '../../policy/settings.js';
import { restoringFields } from '../../socket/option-writes.js';
import { optionOf } from '../../socket/platforms/index.js';
import { linux } from '../../socket/platforms/linux.js';
import { bootId } from '../boot-id.js';
import { readRegularFile } from '../regular-file.js';
import type { Change } from './set.js';

/** A change in a record: enough to identify the connection, also among others with the same addresses. */
export interface RecordedChange {
  readonly netns: number;
  readonly cookie: string;
  readonly before: KeepAliveState;
  readonly after: KeepAliveState;
  /** True if it is not known whether the change was made, as a whole or in part; `after` is then the planned state. */
  readonly planned?: true;
}

/** Changes that were made since a boot; cookies and namespaces mean nothing after the next boot. */
export interface BootRecord<Change> {
  readonly bootId: string;
  readonly changed: readonly Change[];
}

/** A record of changes of connections. */
export type ChangeRecord = BootRecord<RecordedChange>;

/** Thrown when a file is not a record of changes, or cannot become one. `file` is its path, `allowed` the requirement. */
export class RecordError extends KeepAliveError {
  override readonly name = 'RecordError';
  readonly code = 'ERR_KEEPALIVE_RECORD';
  readonly file: string;
  readonly allowed: string;

  constructor(file: string, given: string, allowed = 'what `set --json` or `set --record FILE` wrote') {
    super(`${file} must be ${allowed}, ${given}`);
    this.file = file;
    this.allowed = allowed;
  }
}

function recorded({ connection, before, after }: Change): RecordedChange {
  return { netns: connection.netns, cookie: String(connection.cookie), before, after };
}

/**
 * Returns the record of changes for {@link undoChanges}, ready for JSON. The record is valid until the machine restarts.
 *
 * `planned` are changes that may have been made or not. Linux.
 *
 * @example
 * const { changed } = setConnections({ selection: parseSelection({ port: '5432' }) }, '30:5:3');
 * writeFileSync('before.json', JSON.stringify(recordOf(changed)));
 */
export function recordOf(changed: readonly Change[], planned: readonly Change[] = []): ChangeRecord {
  const unsure = planned.map((change) => ({ ...recorded(change), planned: true as const }));
  return { bootId: bootId(), changed: [...changed.map(recorded), ...unsure] };
}

/**
 * Returns whether a connection has what a recorded change left, or what an interrupted undo left of that; of a planned
 * change, any part of it.
 */
export function isLeftBy({ before, after, planned }: RecordedChange, state: KeepAliveState): boolean {
  if (planned) return restoringFields.every((field) => state[field] === after[field] || state[field] === before[field]);
  const next = restoringFields.findIndex((field) => state[field] !== before[field]);
  return next >= 0 && restoringFields.slice(next).every((field) => state[field] === after[field]);
}

/** Returns whether a value is an int, as the kernel holds: a sysctl, and a socket that follows it, can have any int. */
function isInt(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31;
}

function isState(value: unknown): value is KeepAliveState {
  if (typeof value !== 'object' || value === null) return false;
  const state = value as Partial<KeepAliveState>;
  const isNumber = (field: SettingField) => {
    const { unitMs = 1 } = optionOf(linux, field) ?? {};
    const isLeftOut = state[field] === undefined && limits[field].unstated !== undefined;
    return isLeftOut || (typeof state[field] === 'number' && isInt(state[field] / unitMs));
  };
  return typeof state.enabled === 'boolean' && settingFields.every(isNumber);
}

function isInode(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isRecordedChange(value: unknown): value is RecordedChange {
  if (typeof value !== 'object' || value === null) return false;
  const { netns, cookie, before, after, planned = true } = value as Partial<RecordedChange>;
  const isNamed = isInode(netns) && typeof cookie === 'string' && /^\d{1,20}$/.test(cookie);
  return isNamed && isState(before) && isState(after) && planned === true;
}

/** Returns the record that was read from JSON, or why the content is none. */
export function recordIn<Change>(
  content: unknown,
  isChange: (value: unknown) => value is Change,
): BootRecord<Change> | string {
  const { bootId: boot, changed } = (content ?? {}) as Partial<BootRecord<unknown>>;
  if (typeof boot !== 'string' || !Array.isArray(changed)) {
    return `but it is other JSON: ${typeof boot === 'string' ? 'a list `changed`' : 'a text `bootId`'} is missing`;
  }
  const wrong = changed.findIndex((change) => !isChange(change));
  if (wrong < 0) return { bootId: boot, changed };
  return `but item ${wrong + 1} of its list \`changed\` lacks a part of a change, or has a value that cannot be`;
}

/** A record of a million connections needs about half of this. */
const maxBytes = 512 * 1024 * 1024;

/** Returns the value of a JSON text; undefined if the text is not JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the record in a file: the whole content, or the last complete line if `set` ended early. */
function contentOf(file: string): unknown {
  let text: string;
  try {
    text = readRegularFile(file, maxBytes).toString('utf8');
  } catch (error) {
    throw new RecordError(file, `and cannot be read: ${(error as Error).message}`);
  }
  const whole = parsed(text);
  if (whole !== undefined) return whole;
  for (const line of text.split('\n').reverse()) {
    const content = line.startsWith('{') ? parsed(line) : undefined;
    if (content !== undefined) return content;
  }
  throw new RecordError(file, brokenText(text));
}

/** Says what is wrong with a text that is not JSON, and what that means for the connections. */
function brokenText(text: string): string {
  const unknown = 'what `set --json` changed before its output ended is not known';
  if (text.trim() === '')
    return `but it is empty: \`set --record\` changes nothing before it has written its file, ${unknown}`;
  if (!text.startsWith('{')) return 'but it is not JSON';
  // `set --record` writes one line, which is whole and on the disk before anything is changed.
  if (text.startsWith('{"'))
    return 'but it is cut off; if `set --record` was ended while it wrote this, nothing was changed';
  return `but it is cut off: ${unknown}, and may be more than it names; \`set --record\` keeps a file that is always whole`;
}

/** @throws {RecordError} if a value is no record of changes. */
export function assertRecord(record: unknown, file: string): asserts record is ChangeRecord {
  const found = recordIn(record, isRecordedChange);
  if (typeof found === 'string') throw new RecordError(file, found);
}

/**
 * Reads a record of changes from a file that `set --json` or `set --record` wrote.
 *
 * @example
 * const { changed, gone } = undoChanges(readRecord('before.json'), 'before.json');
 * @throws {RecordError} if the file cannot be read or holds something else.
 */
export function readRecord(file: string): ChangeRecord {
  if (typeof file !== 'string') throw new ConfigurationError('readRecord', 'file', file, 'the path of a file');
  const record = contentOf(file);
  assertRecord(record, file);
  return { bootId: record.bootId, changed: record.changed };
}
