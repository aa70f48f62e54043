/** By what connections can be grouped. */
export const groupings = ['process', 'port', 'unit'] as const;

export type Grouping = (typeof groupings)[number];
