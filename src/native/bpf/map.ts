import { type MapCreate, mapCreate, mapUpdateBatch } from '../../wire/bpf/attributes.js';
import { libc } from '../libc.js';
import { OwnedDescriptor } from '../owned-descriptor.js';
import { checkedBpf } from './syscall.js';

/** A map that BPF programs and their loader share. */
export class BpfMap extends OwnedDescriptor {
  readonly kind = 'map';

  /**
   * Creates a map.
   *
   * @throws {SystemCallError} EPERM without CAP_BPF.
   */
  static create(map: MapCreate): BpfMap {
    return new BpfMap(checkedBpf('BPF_MAP_CREATE', mapCreate(map), `the map ${map.name}`), `BPF map ${map.name}`);
  }

  /** Sets `count` entries in one call. Keys are contiguous, and so are values. */
  update(keys: Uint8Array, values: Uint8Array, count: number): void {
    const { addressOf } = libc();
    const attributes = { mapFd: this.fd, keys: addressOf(keys), values: addressOf(values), count };
    checkedBpf('BPF_MAP_UPDATE_BATCH', mapUpdateBatch(attributes), `${count} entries`);
  }
}
