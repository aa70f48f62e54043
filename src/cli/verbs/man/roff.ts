/** Returns text as roff prints it: no character of it is a request, an escape or a typographic quotation mark. */
export function roffText(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('"', '\\(dq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll(
      /[^\x20-\x7e]/gu,
      (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
  return escaped.startsWith('.') ? `\\&${escaped}` : escaped;
}

export const bold = (text: string) => `\\fB${roffText(text)}\\fR`;

export const italic = (text: string) => `\\fI${roffText(text)}\\fR`;

/** Returns the flags of an option or the terms of an argument, with the names of values in italics. */
export function flagsText(flags: string): string {
  return flags
    .split(/([<[][^>\]]+[>\]])/)
    .map((part, at) => {
      if (part === '') return '';
      return at % 2 === 0
        ? part
            .split(/(, | )/)
            .map((word) => (/^(, | )$/.test(word) ? word : word && bold(word)))
            .join('')
        : valueText(part);
    })
    .join('');
}

function valueText(value: string): string {
  const name = italic(value.slice(1, -1));
  return value.startsWith('[') ? `[${name}]` : name;
}

/** Returns help text: paragraphs are filled, and lines that are indented stay as they are. */
export function roffParagraphs(text: string): string[] {
  const paragraphs = text.trim().split(/\n\s*\n/);
  return paragraphs.flatMap((paragraph) => {
    const lines = paragraph.split('\n');
    const prose = lines.filter((line) => !line.startsWith('  '));
    const literal = lines.filter((line) => line.startsWith('  '));
    return [
      ...(prose.length === 0 ? [] : ['.PP', ...prose.map(roffText)]),
      ...(literal.length === 0
        ? []
        : ['.PP', '.RS 4', '.nf', ...literal.map((line) => roffText(line.trim())), '.fi', '.RE']),
    ];
  });
}
