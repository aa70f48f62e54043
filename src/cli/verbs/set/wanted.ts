import { type Command, InvalidArgumentError, Option } from 'commander';
import type { KeepAlivePolicy, SettingField } from '../../../policy/policy.js';
import { settingFields } from '../../../policy/settings.js';
import { optionFlag } from '../../shared/option-flag.js';
import { numberArgument, policyArgument } from '../../shared/policy-argument.js';

/** The words that the policy argument can be besides policy text. */
const words: Readonly<Record<string, KeepAlivePolicy>> = {
  on: {},
  system: { idle: 'system', interval: 'system', count: 'system' },
};

export const policyWords = Object.keys(words);

/** The policy argument, and whether its numbers may be replaced by those of options. */
export interface PolicyArgument {
  readonly policy: KeepAlivePolicy;
  readonly isWord: boolean;
}

/** Reads the policy argument. Names the option that turns keepalive off if the text is `off`. */
export function readPolicyArgument(text: string): PolicyArgument {
  if (text === 'off') throw new InvalidArgumentError('To turn keepalive off, give --off instead of a policy.');
  const policy = Object.hasOwn(words, text) ? words[text] : undefined;
  return policy === undefined ? { policy: policyArgument(text), isWord: false } : { policy, isWord: true };
}

/** The numbers that options give, as commander has them. */
export type NumberOptions = Partial<KeepAlivePolicy>;

/** Adds an option for each number of a policy. */
export function addNumberOptions(command: Command): Command {
  const add = (field: SettingField, value: string, description: string) =>
    command.addOption(new Option(`${optionFlag(field)} <${value}>`, description).argParser(numberArgument(field)));
  add('idle', 'duration', 'this number alone: the time before the first probe');
  add('interval', 'duration', 'this number alone: the time between probes');
  add('count', 'number', 'this number alone: the probes');
  add('userTimeout', 'duration', 'this number alone, or auto: idle + interval x count of each');
  add('rtoMax', 'duration', 'longest time between two retransmissions, such as 5s, or system (Linux 6.15)');
  return command;
}

/** Returns the options that were given a number. */
export function givenNumbers(options: NumberOptions): SettingField[] {
  return settingFields.filter((field) => options[field] !== undefined);
}

/** The wanted change: a policy, its numbers alone, or `false` for no keepalive. */
export interface Wanted {
  readonly policy: KeepAlivePolicy | false;
  readonly onlyNumbers: boolean;
}

/** Returns the change that the arguments ask for. Ends the program if they name none or contradict each other. */
export function wantedOf(
  argument: PolicyArgument | undefined,
  options: NumberOptions & { readonly off?: true },
  command: Command,
): Wanted {
  const given = givenNumbers(options);
  const [first] = given;
  if (options.off) {
    if (argument !== undefined) command.error('either a policy or --off');
    if (first !== undefined) command.error(`either ${optionFlag(first)} or --off`);
    return { policy: false, onlyNumbers: false };
  }
  if (argument === undefined && first === undefined) {
    return command.error("missing argument 'policy', such as 30:5:3:auto, or an option such as --count 3 or --off");
  }
  const { policy = {}, isWord = true } = argument ?? {};
  const twice = given.find((field) => !isWord && policy[field] !== undefined);
  if (twice !== undefined) command.error(`${optionFlag(twice)} is in the policy already: leave one of them out`);
  const numbers = Object.fromEntries(given.map((field) => [field, options[field]]));
  return { policy: { ...policy, ...numbers }, onlyNumbers: argument === undefined };
}
