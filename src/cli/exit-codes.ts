/** The exit codes of every verb. */
export const exitCodes = {
  /** Done; all is well. */
  done: 0,
  /** Wrong usage, or nothing was done or shown. */
  nothing: 1,
  /** Done in part, or a fault was found: somebody is silent. */
  fault: 2,
  /** Some could not be judged or asked, or may have been missed; nothing worse was found. */
  unanswered: 3,
} as const;
