import { readFileSync } from 'node:fs';
import type { KeepAliveState } from '../socket/index.js';
import { readRegularFile } from './regular-file.js';
import type { Change } from './set.js';

/** A change as it is kept to be undone: enough to know the connection again, also from another one with its addresses. */
export interface RecordedChange {
  readonly netns: number;
  readonly cookie: string;
  readonly before: KeepAliveState;
  readonly after: KeepAliveState;
  /** Set if the change may have been made, in part or not at all: `after` is then what was going to be set. */
  readonly planned?: true;
}

/** Changes that were made since a boot; cookies and namespaces mean nothing after another one. */
export interface ChangeRecord {
  readonly bootId: string;
  readonly changed: readonly RecordedChange[];
}

/** Thrown when a file cannot be, or is not, a record of changes. `file` is which, `allowed` says what it must be. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
  readonly code = 'ERR_CHANGE_RECORD';
  readonly file: string;
  readonly allowed: string;

  constructor(file: string, given: string, allowed = 'what `set --json` or `set --record FILE` wrote') {
    super(`${file} must be ${allowed}, ${given}`);
    this.file = file;
    this.allowed = allowed;
  }
}

/** Identifies this boot of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function recorded({ connection, before, after }: Change): RecordedChange {
  return { netns: connection.netns, cookie: String(connection.cookie), before, after };
}

/**
 * Returns the record of changes, as JSON keeps it, for {@link undoChanges}; it is of use until the machine restarts.
 *
 * `planned` are changes of which it is not known whether they were made. Linux.
 */
export function recordOf(changed: readonly Change[], planned: readonly Change[] = []): ChangeRecord {
  const unsure = planned.map((change) => ({ ...recorded(change), planned: true as const }));
  return { bootId: bootId(), changed: [...changed.map(recorded), ...unsure] };
}

const stateFields = ['enabled', 'idle', 'interval', 'count', 'userTimeout'] as const;

export function sameState(a: KeepAliveState, b: KeepAliveState): boolean {
  return stateFields.every((field) => a[field] === b[field]);
}

/** The order in which restoring writes the options of a connection (socket/assignments.ts, assignmentsOf). */
const restoringOrder = ['userTimeout', 'interval', 'count', 'enabled', 'idle'] as const;

/**
 * Returns whether a connection has what a recorded change left, or what an interrupted undo left of that; of a planned
 * change, any part of it.
 */
export function isLeftBy({ before, after, planned }: RecordedChange, state: KeepAliveState): boolean {
  if (planned) return stateFields.every((field) => state[field] === after[field] || state[field] === before[field]);
  const next = restoringOrder.findIndex((field) => state[field] !== before[field]);
  return next >= 0 && restoringOrder.slice(next).every((field) => state[field] === after[field]);
}

/** What the kernel can hold: an int. Sysctls may be anything that fits, and a socket that follows them has it. */
function isInt(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31;
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && isInt(value / 1000);
}

function isState(value: unknown): value is KeepAliveState {
  if (typeof value !== 'object' || value === null) return false;
  const { enabled, idle, interval, count, userTimeout } = value as Partial<KeepAliveState>;
  const isOf = isSeconds(idle) && isSeconds(interval) && isInt(count) && isInt(userTimeout);
  return typeof enabled === 'boolean' && isOf;
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

/** A record of a million connections has about half of it. */
const maxBytes = 512 * 1024 * 1024;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The content of a file of records: the whole of it, or the last line that is whole where `set` was ended meanwhile. */
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
  // A record is whole and on the disk before anything is changed.
  throw new RecordError(file, 'but it is not whole; if `set` was ended while it wrote this, nothing was changed');
}

/**
 * Reads a record of changes.
 *
 * @throws {RecordError} for a file that cannot be read or holds something else.
 */
export function readRecord(file: string): ChangeRecord {
  const { bootId: boot, changed } = (contentOf(file) ?? {}) as Partial<ChangeRecord>;
  if (typeof boot !== 'string' || !Array.isArray(changed)) throw new RecordError(file, 'but it has no changes');
  const wrong = changed.findIndex((change) => !isRecordedChange(change));
  if (wrong >= 0) throw new RecordError(file, `but change ${wrong + 1} of it is not one`);
  return { bootId: boot, changed };
}
