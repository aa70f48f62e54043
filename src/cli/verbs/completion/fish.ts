import {
  allCommands,
  type CompletableCommand,
  type CompletableOption,
  functionName,
  valueOptionNames,
} from './completable.js';

const quoted = (text: string) => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;

function patterns({ path }: CompletableCommand, words: readonly string[]): string {
  return words.map((word) => quoted(`${path.join(' ')} ${word}`)).join(' ');
}

/** Returns how fish completes the value of an option. */
function valueFlags({ valueName, isValueOptional, isFile, values, isList }: CompletableOption): string {
  if (valueName === undefined || isValueOptional) return '';
  if (isFile) return ' -r -F';
  if (values.length === 0) return ' -x';
  return ` -x -a ${quoted(isList ? `(__fish_append , ${values.join(' ')})` : values.join(' '))}`;
}

function nameFlags(names: readonly string[]): string {
  return names.map((name) => (name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`)).join('');
}

/** Returns the script that completes a program in fish. */
export function fishScript(program: string, root: CompletableCommand): string {
  const commands = allCommands(root);
  const name = `__${functionName(program)}`;
  const lines = commands.flatMap((command) => {
    const start = `complete -c ${program} -n ${quoted(`${name}_at ${quoted(command.path.join(' '))}`)}`;
    return [
      ...command.commands.map((below) => `${start} -a ${below.path.at(-1)} -d ${quoted(below.description)}`),
      ...(command.argumentValues.length === 0 ? [] : [`${start} -a ${quoted(command.argumentValues.join(' '))}`]),
      ...command.options.map(
        (option) => `${start}${nameFlags(option.names)}${valueFlags(option)} -d ${quoted(option.description)}`,
      ),
    ];
  });
  const verbs = commands.filter(({ commands: below }) => below.length > 0);
  return `# fish completion of ${program}
function ${name}_at
  set -l path
  set -l value
  for word in (commandline -opc)[2..-1]
    if test -n "$value"
      set value
      continue
    end
    switch "$path $word"
${verbs
  .map(
    (verb) =>
      `      case ${patterns(
        verb,
        verb.commands.map(({ path }) => path.at(-1) ?? ''),
      )}\n        set path $path $word`,
  )
  .join('\n')}
${commands
  .filter((command) => valueOptionNames(command).length > 0)
  .map((command) => `      case ${patterns(command, valueOptionNames(command))}\n        set value 1`)
  .join('\n')}
    end
  end
  test "$path" = "$argv[1]"
end
complete -c ${program} -f
${lines.join('\n')}
`;
}
