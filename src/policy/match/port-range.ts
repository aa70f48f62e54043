/** The ports of one end, or of either; `first` and `last` are the same for a single port. */
export interface PortRange {
  readonly end: 'local' | 'remote' | 'either';
  readonly first: number;
  readonly last: number;
}

/** What `parsePortRange` reads, as an error says it. */
export const portRangesAllowed = "1 to 65535, such as '443', '8000-8099', 'local:443' or 'remote:5432'";

/** Reads `443`, `8000-8099`, `local:443` or `remote:5432`, or gives `undefined` where the text is none of these. */
export function parsePortRange(text: string): PortRange | undefined {
  const [, end = 'either', firstText = '', lastText = firstText] =
    /^(?:(local|remote):)?(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(firstText), Number(lastText)];
  if (firstText === '' || first > last || first < 1 || last > 65_535) return undefined;
  return { end: end as PortRange['end'], first, last };
}

/** Returns whether a connection between two ports is in a range. */
export function isInRange({ end, first, last }: PortRange, localPort: number, remotePort: number): boolean {
  return (
    (end !== 'remote' && localPort >= first && localPort <= last) ||
    (end !== 'local' && remotePort >= first && remotePort <= last)
  );
}
