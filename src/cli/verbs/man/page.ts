import type { Command } from 'commander';
import { bold, flagsText, italic, roffParagraphs, roffText } from './roff.js';

/** Returns the text that a command prints after its help. */
function textAfterHelp(command: Command): string {
  const output = { ...command.configureOutput() };
  let text = '';
  const writeOut = (more: string) => {
    text += more;
  };
  command.configureOutput({ writeOut }).outputHelp();
  command.configureOutput(output);
  return text.slice(command.helpInformation().length);
}

function optionLines(command: Command): string[] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .flatMap((option) => ['.TP', flagsText(option.flags), roffText(help.optionDescription(option))]);
}

function argumentLines(command: Command): string[] {
  const help = command.createHelp();
  return help
    .visibleArguments(command)
    .flatMap((argument) => ['.TP', italic(argument.name()), roffText(help.argumentDescription(argument))]);
}

/** Returns a capital at the beginning, and a full stop at the end. */
const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Returns the part of a command, and those of the commands below. */
function commandLines(command: Command, parents: readonly string[]): string[] {
  const names = [...parents, command.name()];
  return [
    `.SS ${roffText(names.slice(1).join(' '))}`,
    `${bold(names.join(' '))} ${flagsText(command.usage())}`,
    '.PP',
    roffText(sentence(command.description())),
    ...argumentLines(command),
    ...optionLines(command),
    ...roffParagraphs(textAfterHelp(command)),
    ...command.commands.flatMap((below) => commandLines(below, names)),
  ];
}

/** Returns the manual page of a program, in roff with the macros of man(7). */
export function manualPage(program: Command): string {
  const name = program.name();
  const version = `${name} ${program.version() ?? ''}`.trim();
  return `${[
    `.TH ${name.toUpperCase()} 1 "" "${version}" "User Commands"`,
    '.SH NAME',
    `${roffText(name)} \\- ${roffText(program.description())}`,
    '.SH SYNOPSIS',
    `${bold(name)} ${flagsText(program.usage())}`,
    '.SH DESCRIPTION',
    roffText(sentence(program.description())),
    ...roffParagraphs(textAfterHelp(program)),
    '.SH OPTIONS',
    ...optionLines(program),
    '.SH COMMANDS',
    ...program.commands.flatMap((command) => commandLines(command, [name])),
  ].join('\n')}\n`;
}
