import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { article, closeDescriptor, duplicateDescriptor, kernelState } from '../kernel/descriptor.js';

const program = fileURLToPath(new URL('programs/without-ffi.mjs', import.meta.url));
const known = process.allowedNodeEnvironmentFlags;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const hasPermissionFlag = major >= 24 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13);
const flags = [
  hasPermissionFlag ? '--permission' : '--experimental-permission',
  '--allow-fs-read=*',
  ...(known.has('--allow-net') ? ['--allow-net'] : []),
];
const nodeSetsAll = net.Socket.prototype.setKeepAlive.length >= 4;

type Outcome = {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly requires?: string;
};
interface Report {
  readonly outcomes: Readonly<Record<string, Outcome>>;
  readonly fds: Readonly<Record<string, number>>;
}

let child: ChildProcess;
let report: Report;

beforeAll(async () => {
  child = spawn(process.execPath, ['--no-warnings', ...flags, program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout as Readable }), 'line');
  report = JSON.parse(line);
});

afterAll(async () => {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.stdin?.end();
  await ended;
});

/** What the kernel says of a descriptor of the child's. */
function stateInChild(name: string): unknown {
  const fd = duplicateDescriptor(child.pid as number, report.fds[name] as number);
  try {
    return kernelState(fd);
  } finally {
    closeDescriptor(fd);
  }
}

function expectUnsupported(names: readonly string[], requires: RegExp): void {
  for (const name of names) {
    const outcome = report.outcomes[name];
    expect.soft(outcome, name).toMatchObject({ name: 'UnsupportedError', code: 'ERR_KEEPALIVE_UNSUPPORTED' });
    expect.soft(outcome?.requires, name).toMatch(requires);
    expect.soft(outcome?.message, name).toContain(outcome?.requires);
  }
}

describe('where the FFI cannot be loaded', () => {
  it('reading is unsupported, and the error says what is missing', () => {
    expectUnsupported(['untouched', 'readBack'], /koffi.*could not be loaded \(.+\).*--allow-addons/);
  });

  it('watching peers is unsupported at the call, also of connections that are yet to come', () => {
    expectUnsupported(['watch', 'watchAll'], /koffi.*--allow-addons/);
  });

  it('a malformed policy is a PolicyError all the same', () => {
    expect(report.outcomes['malformed']).toMatchObject({ name: 'PolicyError' });
  });

  it("what Node's own call cannot do is unsupported, and sets nothing", () => {
    expectUnsupported(['userTimeout', 'partial', 'system'], /koffi.*--allow-addons/);
    expect(stateInChild('refused')).toMatchObject({ enabled: false, userTimeout: 0 });
  });

  it('false turns keepalive off', () => {
    const nothing = { idle: null, interval: null, count: null, userTimeout: null };
    expect(report.outcomes['off']).toEqual({ enabled: false, ...nothing, readBack: false });
    expect(stateInChild('off')).toMatchObject({ enabled: false, idle: 60000 });
  });
});

if (nodeSetsAll) {
  describe('where the FFI cannot be loaded but Node.js sets interval and count', () => {
    it('a policy is set through it, and the state says that it was not read back', () => {
      const state = { ...article, userTimeout: null, readBack: false };
      expect(report.outcomes['set']).toEqual(state);
      expect(report.outcomes['tls']).toEqual(state);
      expect([stateInChild('set'), stateInChild('tls')]).toEqual([article, article]);
    });

    it("a socket that is yet to connect gets it, after Node's own keepAlive option", () => {
      expect(report.outcomes['pending']).toEqual({ ...article, status: 'pending' });
      expect(stateInChild('pending')).toEqual(article);
    });

    it('a server sets it on each connection', () => {
      expect(report.outcomes['server']).toEqual({ ...article, connections: 'set-on-accept' });
      expect(stateInChild('accepted')).toEqual(article);
    });

    it('the error for more than that says how to change the policy', () => {
      expect(report.outcomes['userTimeout']?.message).toMatch(/a policy without userTimeout, or/);
      expect(report.outcomes['partial']?.message).toMatch(/without a number for interval/);
      expect(report.outcomes['system']?.message).toMatch(/without a number for idle/);
    });
  });
} else {
  describe('where neither the FFI nor Node.js can set interval and count', () => {
    it('every policy is unsupported, and the error names the versions that could', () => {
      expectUnsupported(
        ['set', 'pending', 'server', 'tls'],
        /Node\.js 24\.19, 26\.4 or later, or .*koffi.*--allow-addons/,
      );
    });

    it('nothing has been set', () => {
      for (const name of ['set', 'accepted', 'tls']) expect(stateInChild(name)).toMatchObject({ enabled: false });
      expect(stateInChild('pending')).toMatchObject({ idle: 60000, interval: 1000, count: 10 });
    });
  });
}
