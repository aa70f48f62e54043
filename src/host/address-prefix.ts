import { isIP } from 'node:net';

/** An IP address as 32-bit words: one for IPv4, also where it was IPv4-mapped, four for IPv6. */
export type AddressWords = readonly number[];

/** A block of addresses, such as 10.0.0.0/8. An IPv4-mapped one is the IPv4 one that it maps. */
export interface AddressPrefix {
  readonly family: 4 | 6;
  readonly words: AddressWords;
  /** The bits that count: 0 to 32, or to 128. */
  readonly length: number;
}

function wordOfIPv4(text: string): number {
  let word = 0;
  for (const part of text.split('.')) word = word * 256 + Number(part);
  return word;
}

/** The 16-bit groups of one side of an IPv6 address's `::`. */
function groupsOf(side: string): number[] {
  if (side === '') return [];
  return side.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const word = wordOfIPv4(part);
    return [word >>> 16, word & 0xffff];
  });
}

function wordsOfIPv6(text: string): number[] {
  const [before = '', after] = text.split('::');
  const head = groupsOf(before);
  const tail = groupsOf(after ?? '');
  const groups = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return [0, 2, 4, 6].map((at) => (((groups[at] as number) << 16) | (groups[at + 1] as number)) >>> 0);
}

const isMapped = ([first, second, third]: AddressWords) => first === 0 && second === 0 && third === 0xffff;

/** Reads an address, or gives `undefined` where the text is none; one with a zone (`fe80::1%eth0`) is not read. */
export function parseAddress(text: string): AddressWords | undefined {
  const family = text.includes('%') ? 0 : isIP(text);
  if (family === 0) return undefined;
  if (family === 4) return [wordOfIPv4(text)];
  const words = wordsOfIPv6(text);
  return isMapped(words) ? words.slice(3) : words;
}

/** Reads `10.0.0.0/8`, `2001:db8::/32`, `::ffff:10.0.0.0/104` or a single address; `undefined` where it is none. */
export function parsePrefix(text: string): AddressPrefix | undefined {
  const [address = '', lengthText, ...rest] = text.split('/');
  const words = parseAddress(address);
  if (words === undefined || rest.length > 0) return undefined;
  const family = words.length === 1 ? 4 : 6;
  const limit = isIP(address) === 4 ? 32 : 128;
  const given = lengthText === undefined ? limit : /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : -1;
  if (given < 0 || given > limit) return undefined;
  const length = family === 4 && limit === 128 ? given - 96 : given;
  // Shorter than the part that marks it as mapped, it would hold IPv6 addresses as well: no one block of one family.
  return length < 0 ? undefined : { family, words, length };
}

/** Whether an address lies in a block. IPv4 addresses lie in no IPv6 block. */
export function isWithin(address: AddressWords, prefix: AddressPrefix): boolean {
  if (address.length !== prefix.words.length) return false;
  let bits = prefix.length;
  for (let at = 0; bits > 0; at += 1, bits -= 32) {
    const difference = ((address[at] as number) ^ (prefix.words[at] as number)) >>> 0;
    if (bits >= 32 ? difference !== 0 : difference >>> (32 - bits) !== 0) return false;
  }
  return true;
}
