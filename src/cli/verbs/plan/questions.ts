import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError } from 'commander';
import { middleboxes } from '../../../policy/plan/middleboxes.js';
import { middleboxesArgument } from '../../shared/behind-option.js';
import { durationArgument } from '../../shared/duration-option.js';
import { wholeArgument } from '../../shared/number-arguments.js';
import { outputWidth, print } from '../../shared/output.js';
import { renderColumns } from '../../text/columns.js';
import { widest, wrapText } from '../../text/wrap-text.js';
import type { Needs } from './needs.js';

/** One question. An answer that is not `none` becomes an option. */
interface Question {
  readonly text: string;
  /** The answer of an empty line. */
  readonly usual: string;
  /** The names that an answer can have, which `?` lists. */
  readonly names?: readonly string[];
  /** Returns what the answer asks for, and the option that says it; neither if nothing is asked for. */
  read(answer: string): { readonly need?: Partial<Needs>; readonly option?: string };
}

/** Asks for a value that can be left out. */
function optional(flag: string, read: (answer: string) => Partial<Needs>): Question['read'] {
  return (answer) => (/^none$/i.test(answer) ? {} : { need: read(answer), option: `${flag} ${answer}` });
}

function isYes(answer: string): boolean {
  if (/^(?:y|yes)$/i.test(answer)) return true;
  if (/^(?:n|no)$/i.test(answer)) return false;
  throw new InvalidArgumentError("'yes' or 'no' is needed.");
}

const connections = wholeArgument(1, 1e9);

const questions: readonly Question[] = [
  {
    text: "Within what time must a lost peer be noticed? A duration, or 'none'",
    usual: '60s',
    read: optional('--detect-within', (answer) => ({ detectWithin: durationArgument(answer) })),
  },
  {
    text: "What is on the path? A middlebox such as 'azure-lb', an idle timeout such as '350s', several with commas, or 'none'; '?' lists the names",
    usual: 'none',
    names: middleboxes.map(({ name }) => name),
    read: optional('--behind', (answer) => ({ behind: middleboxesArgument(answer) })),
  },
  {
    text: "How long an outage must a healthy connection survive? A duration, or 'none'",
    usual: '10s',
    read: optional('--tolerate', (answer) => ({ tolerate: durationArgument(answer) })),
  },
  {
    text: 'Is a device on a battery at one end? yes or no',
    usual: 'no',
    read: (answer) => (isYes(answer) ? { need: { battery: true }, option: '--battery' } : {}),
  },
  {
    text: 'How many connections are there?',
    usual: '1',
    read: (answer) => ({ need: { connections: connections(answer) }, option: `--connections ${answer}` }),
  },
];

/** What was answered, and the options that say the same. */
export interface Answers {
  readonly needs: Needs;
  readonly options: readonly string[];
}

/** After so many wrong answers to one question, nobody is there who reads. */
const mostTries = 20;

type Lines = AsyncIterator<string>;

/** Asks until the answer can be read; `undefined` if the input ends first. */
async function ask(
  { text, usual, names, read }: Question,
  lines: Lines,
): Promise<ReturnType<Question['read']> | undefined> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    print(`${wrapText(`${text} [${usual}]:`, outputWidth())} `);
    const { value, done } = await lines.next();
    if (done) return undefined;
    if (names !== undefined && value.trim() === '?') {
      print(`${renderColumns(names, Math.min(outputWidth(), widest))}\n`);
      continue;
    }
    try {
      return read(value.trim().replaceAll(/\s*,\s*/g, ',') || usual);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      print(`${wrapText(error.message, outputWidth())}\n`);
    }
  }
  return undefined;
}

/** Asks five questions on the terminal. Returns `undefined` if they are not answered: Ctrl+C, Ctrl+D. */
export async function askQuestions(): Promise<Answers | undefined> {
  // The terminal edits lines itself, so that no signal can leave it in raw mode.
  const reader = createInterface({ input: process.stdin, terminal: false });
  const close = () => reader.close();
  process.once('SIGINT', close);
  // A terminal that is gone.
  process.stdin.on('error', close);
  let answers: Answers = { needs: {}, options: [] };
  try {
    const lines = reader[Symbol.asyncIterator]();
    for (const question of questions) {
      const answer = await ask(question, lines);
      if (answer === undefined) return undefined;
      const options = answer.option === undefined ? answers.options : [...answers.options, answer.option];
      answers = { needs: { ...answers.needs, ...answer.need }, options };
    }
    return answers;
  } finally {
    process.off('SIGINT', close);
    close();
    process.stdin.destroy();
  }
}
