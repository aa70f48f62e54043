import { readPolicyOrOff } from '../../policy/parse.js';
import { limits, type PolicyInput, type SettingField, type ValidPolicy } from '../../policy/policy.js';
import { detectionFields, type KeepAliveState, settingFields, settingsOf } from '../../policy/settings.js';
import { autoUserTimeout } from '../../policy/validate.js';
import { kernelDefault } from '../../socket/kernel-defaults.js';
import { currentNamespace } from '../dump/dump.js';
import { type NetworkNamespace, networkNamespaces, within } from '../namespaces/network-namespaces.js';
import type { WantedOptions } from '../options/source.js';

/** Returns whether a policy leaves a number open of which its user timeout `'auto'` is made. */
function isOpenAuto(policy: PolicyInput | boolean): policy is Exclude<PolicyInput, string> {
  try {
    if (typeof policy !== 'object' || policy.userTimeout !== 'auto') return false;
    return detectionFields.some((field) => policy[field] === undefined || policy[field] === 'system');
  } catch {
    // The policy is `null`, or reading its fields throws: it is refused where it is validated.
    return false;
  }
}

/** The policy of `setConnections`, with the numbers that depend on the connection. */
export class WantedPolicy {
  /** Whether the wanted options depend on the present options of a connection. */
  readonly needsState: boolean;
  readonly #policy: ValidPolicy | false;
  readonly #onlyNumbers: boolean;
  readonly #system: readonly SettingField[];
  readonly #ofNamespace = new Map<number, ValidPolicy | undefined>();
  #namespaces: readonly NetworkNamespace[] | undefined;
  /** Connections that are given the same share one object. */
  readonly #known = new Map<string, WantedOptions>();

  /** @throws {PolicyError} if the kernel would refuse the policy. */
  constructor(policy: PolicyInput | boolean, onlyNumbers: boolean) {
    const isOpen = isOpenAuto(policy);
    this.needsState = isOpen;
    this.#policy = readPolicyOrOff(isOpen ? { ...policy, userTimeout: undefined } : policy);
    this.#onlyNumbers = onlyNumbers;
    this.#system = settingFields.filter((field) => this.#policy !== false && this.#policy[field] === 'system');
  }

  /** Returns the wanted options of a connection, or the reason why there are none. `state` is needed if {@link needsState}. */
  for(netns: number, state: KeepAliveState | undefined): { readonly wanted: WantedOptions } | { readonly why: string } {
    const policy = this.#policyIn(netns);
    if (policy === undefined) return { why: 'its network namespace is gone' };
    const userTimeout = this.needsState && policy !== false ? autoOf(policy, state) : undefined;
    if (userTimeout !== undefined && !(userTimeout <= limits.userTimeout.max)) {
      return { why: `a user timeout of ${userTimeout} ms, which auto comes to, is more than the kernel takes` };
    }
    const key = `${this.#system.length === 0 ? '' : netns} ${userTimeout}`;
    let wanted = this.#known.get(key);
    if (wanted === undefined) {
      wanted = this.#withTimeout(policy, userTimeout);
      this.#known.set(key, wanted);
    }
    return { wanted };
  }

  #withTimeout(policy: ValidPolicy | false, userTimeout: number | undefined): WantedOptions {
    const numbers = policy === false || userTimeout === undefined ? policy : { ...policy, userTimeout };
    return this.#onlyNumbers && numbers !== false ? { numbers } : numbers;
  }

  #policyIn(netns: number): ValidPolicy | false | undefined {
    if (this.#policy === false || this.#system.length === 0) return this.#policy;
    if (!this.#ofNamespace.has(netns)) {
      const system = this.#systemNumbers(netns);
      this.#ofNamespace.set(netns, system && { ...this.#policy, ...system });
    }
    return this.#ofNamespace.get(netns);
  }

  /** Reads the numbers that `'system'` stands for in a network namespace; `undefined` if the namespace has ended. */
  #systemNumbers(netns: number): ValidPolicy | undefined {
    const read = () => Object.fromEntries(this.#system.map((field) => [field, kernelDefault(field)]));
    if (netns === currentNamespace()) return read();
    this.#namespaces ??= networkNamespaces().namespaces;
    const namespace = this.#namespaces.find(({ inode }) => inode === netns);
    return namespace && within(namespace, read);
  }
}

/** Returns the user timeout that `'auto'` stands for, of the numbers that a connection will have. */
function autoOf(policy: ValidPolicy, state: KeepAliveState | undefined): number {
  const { idle, interval, count } = settingsOf((field) => Number(policy[field] ?? state?.[field]));
  return autoUserTimeout(idle, interval, count);
}
