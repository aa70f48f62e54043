import { InvalidArgumentError, Option } from 'commander';
import { ConfigurationError } from '../../policy/configuration-error.js';
import type { Middlebox } from '../../policy/plan/middlebox.js';
import { middleboxes, readMiddlebox } from '../../policy/plan/middleboxes.js';
import { middleboxCaveat } from '../text/middlebox.js';
import { withValues } from './option-values.js';
import { printMessage } from './output.js';

/** Reads a middlebox as commander wants arguments read: an unknown one is a usage error. */
export function middleboxArgument(text: string): Middlebox {
  try {
    return readMiddlebox(text, '--behind', '');
  } catch (error) {
    if (error instanceof ConfigurationError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** Reads a list of middleboxes, and adds it to those given before. */
export function middleboxesArgument(text: string, previous: readonly Middlebox[] = []): readonly Middlebox[] {
  return [...previous, ...text.split(',').map((each) => middleboxArgument(each.trim()))];
}

function readBehind(text: string): string {
  if (text.includes(',')) throw new InvalidArgumentError('One middlebox: that which forgets first.');
  middleboxArgument(text);
  return text;
}

/** Returns the option that names a middlebox on the path, by its name or its idle timeout. */
export function behindOption(): Option {
  const description = "`exposed` if a probe can come too late for this middlebox: 'aws-nlb', '350s'";
  const names = middleboxes.map(({ name }) => name);
  return withValues(new Option('--behind <middlebox>', description), names).argParser(readBehind);
}

/** Prints what keeps probes from a verdict behind the middlebox, if anything does. */
export function warnBehind(behind: string | undefined): void {
  const caveat = behind === undefined ? undefined : middleboxCaveat(readMiddlebox(behind, '--behind', ''));
  if (caveat !== undefined) printMessage(caveat);
}
