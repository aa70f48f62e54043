import type { Omission } from './connection.js';

/** A fact that rows can lack, or `match`: whether the selection means a row. */
export type Fact = 'owners' | 'options' | 'match';

const facts = new WeakMap<Omission, Fact>();

/** Notes the fact that omissions are about. Returns the omissions. */
export function about(fact: Fact, omissions: readonly Omission[]): readonly Omission[] {
  for (const omission of omissions) facts.set(omission, fact);
  return omissions;
}

/** Returns the omissions without those about facts that are not shown. */
export function withoutFacts(omissions: readonly Omission[], ...hidden: readonly Fact[]): Omission[] {
  return omissions.filter((omission) => {
    const fact = facts.get(omission);
    return fact === undefined || !hidden.includes(fact);
  });
}
