import { existsSync, readSync } from 'node:fs';
import type { Command } from 'commander';
import { pause } from '../../native/pause.js';
import { didYouMean } from '../../policy/closest-name.js';

/** Configuration files are far shorter; a stream without an end must not fill the memory. */
const mostBytes = 16 * 1024 * 1024;
const pieceBytes = 64 * 1024;
const betweenAttemptsMs = 20;

/** Reads one piece of standard input. Waits if another process has set O_NONBLOCK on standard input. */
function readPiece(command: Command): Buffer {
  const piece = Buffer.alloc(pieceBytes);
  for (;;) {
    try {
      return piece.subarray(0, readSync(0, piece));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') command.error(`standard input could not be read: ${message}`);
      pause(betweenAttemptsMs);
    }
  }
}

function readStandardInput(command: Command): string {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (let piece = readPiece(command); piece.length > 0; piece = readPiece(command)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > mostBytes) {
      command.error(`standard input is longer than ${mostBytes / 1024 ** 2} MiB; pass the lines about keepalive alone`);
    }
  }
  return Buffer.concat(pieces).toString();
}

/**
 * Returns the text of another system that was given as an argument: the argument, or standard input for `-`. Ends the program
 * if standard input cannot be read, or if the argument is the name of a file.
 */
export function readDialectText(argument: string, command: Command): string {
  if (argument !== '-' && /^[\w./~+-]+$/.test(argument) && existsSync(argument)) {
    command.error(`'${argument}' is a file, and not its text; to read it, pass - < ${argument}`);
  }
  return argument === '-' ? readStandardInput(command) : argument;
}

/** Returns whether an argument with hyphens before it is the text of another system, such as `--sysctl KEY=VALUE`. */
function isText(argument: string, from: string | undefined): boolean {
  return argument === '-' || (from !== undefined && (/[\s=]/.test(argument) || process.argv.includes('--')));
}

/**
 * Ends the program if an argument is an option that the command does not have. For commands that allow unknown options,
 * because with `--from` the text of another system may begin with a hyphen.
 */
export function refuseUnknownOption(command: Command, from: string | undefined): void {
  const option = command.args.find((argument) => argument.startsWith('-') && !isText(argument, from));
  if (option === undefined) return;
  const options = command.options.flatMap(({ long }) => long ?? []);
  const hint = didYouMean(option, options);
  command.error(`unknown option '${option}'${hint === undefined ? '' : `; ${hint}`}`);
}
