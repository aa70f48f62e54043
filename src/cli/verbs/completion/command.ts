import { Argument, Command } from 'commander';
import { printPainted, shownExitCode } from '../../shared/output.js';
import { bashScript } from './bash.js';
import { completable } from './completable.js';
import { fishScript } from './fish.js';
import { zshScript } from './zsh.js';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `tcp-keepalive completion`: a script with which a shell completes verbs, options and their values. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print a script with which a shell completes commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
Examples:
  $ source <(tcp-keepalive completion bash)
  $ source <(tcp-keepalive completion zsh)
  $ tcp-keepalive completion fish | source`,
    )
    .action((shell: keyof typeof scripts, _, command: Command) => {
      const program = command.parent as Command;
      printPainted(scripts[shell](program.name(), completable(program)));
      process.exitCode = shownExitCode();
    });
}
