/** The twelve bytes that begin an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2), as three words. */
const mappedWord = 0x0000ffff;

/** Whether the sixteen bytes at `offset` are an IPv4-mapped address. */
export function isMappedAddress(view: DataView, offset: number): boolean {
  return view.getUint32(offset) === 0 && view.getUint32(offset + 4) === 0 && view.getUint32(offset + 8) === mappedWord;
}

/** The text of an IPv4 address that is given as a number, its first part in the highest byte. */
export function formatIPv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}

/** Where the longest run of two or more zero groups begins, the first of equals, and its length. */
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

/** The text of the IPv6 address at `offset` as RFC 5952 writes it, and of an IPv4-mapped one as IPv4. */
export function formatIPv6(view: DataView, offset: number): string {
  if (isMappedAddress(view, offset)) return formatIPv4(view.getUint32(offset + 12));
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(offset + index * 2));
  const { start, length } = longestZeroRun(groups);
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (start < 0) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** An address and how many of its first bits count. */
export interface AddressPrefix {
  readonly family: 4 | 6;
  /** Four bytes or sixteen, in network order. */
  readonly address: Uint8Array;
  readonly length: number;
}

function parseDecimal(text: string, greatest: number): number | undefined {
  if (!/^(0|[1-9]\d{0,2})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= greatest ? value : undefined;
}

function parseIPv4(text: string): number[] | undefined {
  const parts = text.split('.').map((part) => parseDecimal(part, 255));
  return parts.length === 4 && !parts.includes(undefined) ? (parts as number[]) : undefined;
}

/** The bytes of groups such as `2001:db8` or `ffff:192.0.2.1`; none for empty text. */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    const isLast = index === groups.length - 1;
    const part = isLast && group.includes('.') ? parseIPv4(group) : parseGroup(group);
    if (part === undefined) return undefined;
    bytes.push(...part);
  }
  return bytes;
}

function parseGroup(group: string): number[] | undefined {
  if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}

function parseIPv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (tail === undefined) return head.length === 16 ? head : undefined;
  // The dotted form ends an address, so it may not stand before the `::`.
  const zeros = 16 - head.length - tail.length;
  if (zeros < 2 || halves[0]?.includes('.')) return undefined;
  return [...head, ...new Array<number>(zeros).fill(0), ...tail];
}

/**
 * Reads an address, or a prefix such as `10.0.0.0/8` or `2001:db8::/32`. An IPv4-mapped prefix of 96 bits or more
 * becomes the IPv4 one that it stands for. Gives `undefined` for anything else; a zone (`%eth0`) is not accepted.
 */
export function parseAddressPrefix(text: string): AddressPrefix | undefined {
  const [address = '', length, ...rest] = text.split('/');
  if (rest.length > 0) return undefined;
  const bytes = address.includes(':') ? parseIPv6(address) : parseIPv4(address);
  if (bytes === undefined) return undefined;
  const bits = length === undefined ? bytes.length * 8 : parseDecimal(length, bytes.length * 8);
  if (bits === undefined) return undefined;
  if (bytes.length === 4) return { family: 4, address: Uint8Array.from(bytes), length: bits };
  const isMapped = bits >= 96 && isMappedAddress(new DataView(Uint8Array.from(bytes).buffer), 0);
  if (isMapped) return { family: 4, address: Uint8Array.from(bytes.slice(12)), length: bits - 96 };
  return { family: 6, address: Uint8Array.from(bytes), length: bits };
}
