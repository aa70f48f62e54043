import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A directory that stands for `/`, with the kernel's three files and what the functions under test need. */
export class FakeRoot {
  readonly root = realpathSync(mkdtempSync(path.join(tmpdir(), 'sysctl-root-')));

  /** @param files Contents by path; a content that starts with `->` is a symbolic link. */
  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const directory of ['etc/sysctl.d', 'var/lib', 'proc/sys/net/ipv4']) {
      mkdirSync(this.path(directory), { recursive: true });
    }
    this.setKernel(7200, 75, 9);
    for (const [file, content] of Object.entries(files)) this.write(file, content);
  }

  path(file: string): string {
    return path.join(this.root, file);
  }

  write(file: string, content: string): void {
    mkdirSync(path.dirname(this.path(file)), { recursive: true });
    if (content.startsWith('->')) symlinkSync(content.slice(2), this.path(file));
    else writeFileSync(this.path(file), content);
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'latin1');
  }

  setKernel(time: number | string, interval: number | string, probes: number | string): void {
    for (const [name, value] of Object.entries({ time, intvl: interval, probes })) {
      writeFileSync(this.path(`proc/sys/net/ipv4/tcp_keepalive_${name}`), `${value}\n`);
    }
  }

  get kernel(): number[] {
    return ['time', 'intvl', 'probes'].map((name) => Number(this.read(`proc/sys/net/ipv4/tcp_keepalive_${name}`)));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
