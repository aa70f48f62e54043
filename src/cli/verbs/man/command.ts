import { Command } from 'commander';
import { printPainted, shownExitCode } from '../../shared/output.js';
import { manualPage } from './page.js';

/** `tcp-keepalive man`: the manual page, made from the commands. */
export function manCommand(): Command {
  return new Command('man')
    .description('print the manual page')
    .addHelpText(
      'after',
      `
Example:
  $ tcp-keepalive man | man -l -`,
    )
    .action((_, command: Command) => {
      printPainted(manualPage(command.parent as Command));
      process.exitCode = shownExitCode();
    });
}
