import type { BpfSize } from '../../wire/bpf/instructions.js';
import { UnsupportedError } from '../errors.js';
import { kernelTypes } from './kernel-types.js';

/** A member of a struct of the kernel: the struct's name and the names on the way to the member. */
export type MemberPath = readonly [struct: string, path: string];

/** The offset of a member in its struct, in bytes, and the size of the load that reads the member. */
export interface KernelMember {
  readonly offset: number;
  readonly size: BpfSize;
  /** The loaded bits before a bit field, and the number of its bits; 0 bits if the member is no bit field. */
  readonly shift: number;
  readonly bits: number;
}

function sizeOfBytes(bytes: number): BpfSize {
  return bytes === 1 ? 'u8' : bytes === 2 ? 'u16' : bytes <= 4 ? 'u32' : 'u64';
}

/** Finds members in the kernel's type information. Leaves out members that this kernel does not have. */
export function findMembers<Name extends string>(
  paths: Readonly<Record<Name, MemberPath>>,
): Partial<Record<Name, KernelMember>> {
  const types = kernelTypes();
  const ids = new Map<string, number | undefined>();
  const found: Partial<Record<Name, KernelMember>> = {};
  for (const [name, [struct, path]] of Object.entries(paths) as [Name, MemberPath][]) {
    if (!ids.has(struct)) ids.set(struct, types.structId(struct));
    const id = ids.get(struct);
    const field = id && types.fieldAt(id, path);
    if (!field) continue;
    const { offset, shift, bits } = field;
    const bytes = bits > 0 ? Math.ceil((shift + bits) / 8) : (types.integerSize(field.type) ?? 8);
    found[name] = { offset, size: sizeOfBytes(bytes), shift, bits };
  }
  return found;
}

/**
 * Finds members as {@link findMembers} does.
 *
 * @throws {UnsupportedError} if this kernel lacks one; `feature` names the feature that needs the members.
 */
export function requireMembers<Name extends string>(
  paths: Readonly<Record<Name, MemberPath>>,
  feature: string,
): Record<Name, KernelMember> {
  const found = findMembers(paths);
  for (const name of Object.keys(paths) as Name[]) {
    if (found[name] === undefined) throw new UnsupportedError(feature, `${paths[name].join('.')} in the kernel's BTF`);
  }
  return found as Record<Name, KernelMember>;
}
