/** The third word of an IPv4-mapped IPv6 address, after two words of zeros (RFC 4291, section 2.5.5.2). */
const mappedWord = 0x0000ffff;

/** Returns whether the sixteen bytes at `offset` are an IPv4-mapped address. */
export function isMappedAddress(view: DataView, offset: number): boolean {
  return view.getUint32(offset) === 0 && view.getUint32(offset + 4) === 0 && view.getUint32(offset + 8) === mappedWord;
}

/** Returns the text of an IPv4 address that is given as a number, with the first part in the highest byte. */
export function formatIPv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}

/** Returns the longest run of two or more zero groups, the first of equals. Returns the start -1 if there is none. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === 0) continue;
    if (index - start > best.length) best = { start, length: index - start };
    start = index + 1;
  }
  return best;
}

/** Returns the text of the IPv6 address at `offset` by RFC 5952; of an IPv4-mapped address, the text of the IPv4 address. */
export function formatIPv6(view: DataView, offset: number): string {
  if (isMappedAddress(view, offset)) return formatIPv4(view.getUint32(offset + 12));
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(offset + index * 2));
  const { start, length } = longestZeroRun(groups);
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (start < 0) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** An address, and the number of leading bits that count. */
export interface AddressPrefix {
  readonly family: 4 | 6;
  /** Four bytes or sixteen, in network order. */
  readonly address: Uint8Array;
  readonly length: number;
}

const zeroUnit = 0x30;

/** Returns the value of a hexadecimal digit; -1 for any other character, and past the end. */
function digitAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit >= zeroUnit && unit <= 0x39) return unit - zeroUnit;
  const letter = (unit | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/** Returns the number in a part of a text; -1 if the part is no number of this base, or has too many digits. */
function numberIn(text: string, first: number, end: number, base: 10 | 16): number {
  const greatestDigits = base === 10 ? 3 : 4;
  if (end === first || end - first > greatestDigits) return -1;
  if (base === 10 && end - first > 1 && text.charCodeAt(first) === zeroUnit) return -1;
  let value = 0;
  for (let at = first; at < end; at += 1) {
    const digit = digitAt(text, at);
    if (digit < 0 || digit >= base) return -1;
    value = value * base + digit;
  }
  return value;
}

/** Writes the four bytes of the IPv4 address that ends a text. Returns false if there is none. */
function readIPv4(text: string, start: number, bytes: Uint8Array, at: number): boolean {
  let first = start;
  for (let part = 0; part < 4; part += 1) {
    const dot = part < 3 ? text.indexOf('.', first) : text.length;
    const value = dot < 0 ? -1 : numberIn(text, first, dot, 10);
    if (value < 0 || value > 255) return false;
    bytes[at + part] = value;
    first = dot + 1;
  }
  return true;
}

/** Writes the bytes of groups such as `2001:db8` or `ffff:192.0.2.1`. Returns the number of bytes; -1 for any other text. */
function readGroups(text: string, bytes: Uint8Array): number {
  if (text === '') return 0;
  let first = 0;
  for (let at = 0; at < 16; at += 2) {
    const colon = text.indexOf(':', first);
    if (colon < 0 && text.includes('.', first)) return at <= 12 && readIPv4(text, first, bytes, at) ? at + 4 : -1;
    const group = numberIn(text, first, colon < 0 ? text.length : colon, 16);
    if (group < 0) return -1;
    bytes[at] = group >> 8;
    bytes[at + 1] = group & 0xff;
    if (colon < 0) return at + 2;
    first = colon + 1;
  }
  return -1;
}

function parseIPv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  return readIPv4(text, 0, bytes, 0) ? bytes : undefined;
}

function parseIPv6(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16);
  const gap = text.indexOf('::');
  if (gap < 0) return readGroups(text, bytes) === 16 ? bytes : undefined;
  const before = text.slice(0, gap);
  const tail = new Uint8Array(16);
  const [headLength, tailLength] = [readGroups(before, bytes), readGroups(text.slice(gap + 2), tail)];
  // The dotted form ends an address, so it may not precede the `::`, which stands for one group at least.
  if (headLength < 0 || tailLength < 0 || headLength + tailLength > 14 || before.includes('.')) return undefined;
  bytes.set(tail.subarray(0, tailLength), 16 - tailLength);
  return bytes;
}

/** Returns the bytes of an address as written: an IPv4-mapped address has sixteen. */
const bytesOf = (text: string) => (text.includes(':') ? parseIPv6(text) : parseIPv4(text));

const mappedBytes = 12;
const mappedBits = 8 * mappedBytes;

const isMapped = (bytes: Uint8Array) => bytes.length === 16 && isMappedAddress(new DataView(bytes.buffer), 0);

/**
 * Reads an address: four bytes of an IPv4 or IPv4-mapped address, or sixteen of an IPv6 address. Returns undefined for any
 * other text, also for an address with a zone (`%eth0`).
 */
export function parseAddress(text: string): Uint8Array | undefined {
  const bytes = bytesOf(text);
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(mappedBytes) : bytes;
}

/**
 * Reads a block of addresses or a single address. Returns an IPv4 block for an IPv4-mapped block.
 *
 * Returns undefined for any other text, and for an IPv4-mapped block of less than 96 bits, which contains IPv6 addresses too.
 *
 * @example
 * parseAddressPrefix('10.0.0.0/8');
 */
export function parseAddressPrefix(text: string): AddressPrefix | undefined {
  const [addressText = '', lengthText, ...rest] = text.split('/');
  const written = bytesOf(addressText);
  const address = parseAddress(addressText);
  if (written === undefined || address === undefined || rest.length > 0) return undefined;
  const limit = written.length * 8;
  const bits = lengthText === undefined ? limit : numberIn(lengthText, 0, lengthText.length, 10);
  const length = address.length === written.length ? bits : bits - mappedBits;
  return bits > limit || length < 0 ? undefined : { family: address.length === 4 ? 4 : 6, address, length };
}

/** Returns whether a block contains an address of `parseAddress`. IPv6 blocks contain no IPv4 addresses. */
export function isWithin(address: Uint8Array, prefix: AddressPrefix): boolean {
  if (address.length !== prefix.address.length) return false;
  for (let at = 0, bits = prefix.length; bits > 0; at += 1, bits -= 8) {
    const difference = (address[at] as number) ^ (prefix.address[at] as number);
    if (difference >>> Math.max(0, 8 - bits) !== 0) return false;
  }
  return true;
}
