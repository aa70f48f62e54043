import { isatty } from 'node:tty';
import { type Command, Option } from 'commander';
import { type ColourChoice, colourChoices, colourDepth, createPaint, type Paint } from '../text/colour.js';

/** The option that verbs with colours share. */
export interface ColourOptions {
  readonly color: ColourChoice;
}

/** Adds `--color` to a verb. */
export function addColourOption(command: Command): Command {
  return command.addOption(
    new Option('--color <when>', 'colour verdicts: auto is on a terminal').choices(colourChoices).default('auto'),
  );
}

/** Returns how to colour what goes to standard output. */
export function outputPaint({ color }: ColourOptions): Paint {
  return createPaint(colourDepth(color, isatty(1), process.env));
}
