import { allCommands, type CompletableCommand, functionName, namesOf, valueOptionNames } from './completable.js';

/** Returns the patterns `path word` of some words after a command. */
function patterns({ path }: Pick<CompletableCommand, 'path'>, words: readonly string[]): string {
  return words.map((word) => `'${path.join(' ')} ${word}'`).join(' | ');
}

/** Returns the cases in which the value of an option is wanted. */
function valueCases(command: CompletableCommand): string[] {
  return command.options.flatMap(({ names, values, isList, isFile }) => {
    if (!isFile && values.length === 0) return [];
    // An empty reply makes bash complete file names.
    const action = isFile ? 'compopt -o default 2> /dev/null' : `${isList ? 'list=1 ' : ''}words='${values.join(' ')}'`;
    return [`    ${patterns(command, names)}) ${action} ;;`];
  });
}

/** Returns the case in which a word of the command's own is wanted. */
function wordCase({ path, commands, argumentValues, options }: CompletableCommand): string {
  const names = options.flatMap(namesOf).join(' ');
  const words = [...commands.map((command) => command.path.at(-1)), ...argumentValues].join(' ');
  const either = words === '' ? `words='${names}'` : `words='${words}'; [[ $current == -* ]] && words='${names}'`;
  return `    ${patterns({ path }, [''])}) ${either} ;;`;
}

/** Returns the script that completes a program in bash 4.0 and later. */
export function bashScript(program: string, root: CompletableCommand): string {
  const commands = allCommands(root);
  const name = `_${functionName(program)}`;
  const verbs = commands.filter(({ commands: below }) => below.length > 0);
  const verbCases = verbs.map((verb) => {
    const names = verb.commands.map(({ path }) => path.at(-1) ?? '');
    return `      ${patterns(verb, names)}) path="\${path:+$path }$word" ;;`;
  });
  const optionCases = commands
    .filter((command) => valueOptionNames(command).length > 0)
    .map((command) => `      ${patterns(command, valueOptionNames(command))}) option=$word ;;`);
  return `# bash completion of ${program}
${name}() {
  local IFS=$' \t\n' current=\${COMP_WORDS[COMP_CWORD]} path='' word option='' list='' words='' start=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    # bash takes --option=value apart.
    [[ $option && $word == '=' ]] && continue
    if [[ $option ]]; then
      option=''
      continue
    fi
    case "$path $word" in
${[...verbCases, ...optionCases].join('\n')}
    esac
  done
  if [[ $option && $current == '=' ]]; then
    current=''
  elif [[ ! $option && $current == --*=* ]]; then
    option=\${current%%=*}
    start=$option=
  fi
  case "$path $option" in
${commands.flatMap(valueCases).join('\n')}
${commands.map(wordCase).join('\n')}
  esac
  if [[ $list ]]; then
    [[ $current == *,* ]] && start=\${current%,*},
    compopt -o nospace 2> /dev/null
  fi
  COMPREPLY=($(compgen -P "$start" -W "$words" -- "\${current#"$start"}"))
}
complete -F ${name} ${program}
`;
}
