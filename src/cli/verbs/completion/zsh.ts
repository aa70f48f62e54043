import { type CompletableCommand, type CompletableOption, functionName } from './completable.js';

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Escapes what _arguments and _describe read as the end of a description or of a part. */
const described = (text: string) => text.replaceAll(/[[\]:\\]/g, '\\$&');

/** Returns what completes a value, as _arguments takes it. */
function action({ isFile, values, isList, valueName = '' }: CompletableOption): string {
  if (isFile) return '_files';
  if (values.length === 0) return ' ';
  return isList ? `_values -s , ${valueName} ${values.join(' ')}` : `(${values.join(' ')})`;
}

/** Returns an option as _arguments takes it; one with a value can be given several times. */
function optionWord(option: CompletableOption): string {
  const { names, description, valueName, isValueOptional } = option;
  const text = `[${described(description)}]`;
  if (valueName !== undefined) {
    const value = `${isValueOptional ? '::' : ':'}${described(valueName)}:${action(option)}`;
    return names.map((name) => quoted(`*${name}${name.startsWith('--') ? '=' : '+'}${text}${value}`)).join(' ');
  }
  const alternatives = names.length > 1 ? `(${names.join(' ')})` : '';
  return names.map((name) => quoted(`${alternatives}${name}${text}`)).join(' ');
}

/** Returns the function that completes a command, and those of the commands below. */
function functions(program: string, command: CompletableCommand): string[] {
  const nameOf = ({ path }: CompletableCommand) => ['', functionName(program), ...path].join('_');
  const { commands, options, argumentName, argumentValues } = command;
  const words = options.map(optionWord);
  if (commands.length === 0) {
    // A message in its place would hide the options.
    const values = argumentValues.length === 0 ? '{ false }' : `(${argumentValues.join(' ')})`;
    const argument = argumentName === undefined ? [] : [quoted(`1:${described(argumentName)}:${values}`)];
    return [`${nameOf(command)}() {\n  _arguments -s : ${[...words, ...argument].join(' \\\n    ')}\n}`];
  }
  const names = commands.map((below) => quoted(`${below.path.at(-1)}:${described(below.description)}`));
  const calls = commands.map((below) => `        ${below.path.at(-1)}) ${nameOf(below)} ;;`);
  return [
    ...commands.flatMap((below) => functions(program, below)),
    `${nameOf(command)}() {
  local curcontext=$curcontext state line
  local -a verbs=(${names.join(' ')})
  _arguments -C ${words.join(' \\\n    ')} \\
    '1: :->verb' '*:: :->rest'
  case $state in
    verb) _describe command verbs ;;
    rest)
      case $words[1] in
${calls.join('\n')}
      esac
      ;;
  esac
}`,
  ];
}

/** Returns the script that completes a program in zsh: sourced, or as a file in a directory of $fpath. */
export function zshScript(program: string, root: CompletableCommand): string {
  const name = `_${functionName(program)}`;
  return `#compdef ${program}
${functions(program, root).join('\n')}
if [[ $funcstack[1] == _${program} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`;
}
