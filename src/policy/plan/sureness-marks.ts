import type { Sureness } from './middlebox.js';

/** What text says after a fact of each sureness. */
export const surenessMarks: Readonly<Record<Sureness, string>> = {
  confirmed: '',
  secondary: ' (from a secondary source)',
  unconfirmed: ' (unconfirmed)',
  given: '',
};
