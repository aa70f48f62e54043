import { describe, expect, it } from 'vitest';
import { parseCgroupPath, parseProcessCgroups, unescapeUnit } from './cgroup-path.js';

const id = '3f2a9c0d1e4b5a6978890a1b2c3d4e5f60718293a4b5c6d7e8f9001122334455';
const short = '3f2a9c0d1e4b';
const other = 'b'.repeat(64);
const pod = 'pod1b4e28ba_2fa1_11d2_883f_0016d3cca427';

const container = (runtime: string, shown = short) => ({ runtime, id: shown });

describe('parseCgroupPath', () => {
  it.each([
    ['/', null],
    ['/init.scope', 'init.scope'],
    ['/system.slice/ssh.service', 'ssh.service'],
    ['/system.slice/system-postgresql.slice/postgresql@16-main.service', 'postgresql@16-main.service'],
    ['/system.slice/docker.service/init', 'docker.service'],
    ['/user.slice/user-1000.slice/session-3.scope', 'session-3.scope'],
    [
      '/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope',
      'vte-spawn-1.scope',
    ],
    ['/user.slice/user-1000.slice/user@1000.service/app.slice', 'user@1000.service'],
    ['/user.slice/user-1000.slice', 'user-1000.slice'],
    [
      String.raw`/system.slice/systemd-fsck@dev-disk-by\x2duuid-A.service`,
      String.raw`systemd-fsck@dev-disk-by\x2duuid-A.service`,
    ],
    ['/system.slice/_cgroup.service', 'cgroup.service'],
    ['/not/of/systemd', null],
  ])('%s is the unit %s', (path, unit) => {
    expect(parseCgroupPath(path)).toEqual({ unit, container: null });
  });

  it.each([
    ['Docker, systemd', `/system.slice/docker-${id}.scope`, container('docker')],
    [
      'Docker, rootless',
      `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${id}.scope`,
      container('docker'),
    ],
    ['Docker, cgroupfs', `/docker/${id}`, container('docker')],
    ['Docker, a cgroup inside', `/system.slice/docker-${id}.scope/init`, container('docker')],
    ['Docker in Docker: the innermost', `/docker/${other}/docker/${id}`, container('docker')],
    ['Docker BuildKit', `/docker/buildkit/${id}`, container('docker')],
    ['Docker with a parent of its own', `/mygroup/${id}`, container('container')],
    ['nerdctl', `/system.slice/nerdctl-${id}.scope`, container('containerd')],
    ['Podman', `/machine.slice/libpod-${id}.scope/container`, container('podman')],
    [
      'Podman, rootless',
      `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope`,
      container('podman'),
    ],
    ['Podman, cgroupfs', `/libpod_parent/libpod-${id}`, container('podman')],
    ["Podman's monitor", `/machine.slice/libpod-conmon-${id}.scope`, null],
    [
      'Kubernetes, containerd',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-${pod}.slice/cri-containerd-${id}.scope`,
      container('containerd'),
    ],
    [
      'Kubernetes, guaranteed',
      `/kubepods.slice/kubepods-${pod}.slice/cri-containerd-${id}.scope`,
      container('containerd'),
    ],
    [
      'Kubernetes in kind',
      `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-${pod}.slice/cri-containerd-${id}.scope`,
      container('containerd'),
    ],
    [
      'Kubernetes, CRI-O',
      `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-${pod}.slice/crio-${id}.scope`,
      container('cri-o'),
    ],
    [
      "CRI-O's monitor",
      `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-${pod}.slice/crio-conmon-${id}.scope`,
      null,
    ],
    ['Kubernetes, Docker', `/kubepods.slice/kubepods-${pod}.slice/docker-${id}.scope`, container('docker')],
    [
      'Kubernetes, cgroupfs',
      `/kubepods/burstable/pod1b4e28ba-2fa1-11d2-883f-0016d3cca427/${id}`,
      container('kubernetes'),
    ],
    [
      'containerd without its systemd driver',
      `/system.slice/containerd.service/kubepods-burstable-${pod}.slice:cri-containerd:${id}`,
      container('containerd'),
    ],
    ['Amazon ECS', `/ecs/0f1e2d3c4b5a/${id}`, container('ecs')],
    ['Amazon Fargate', `/ecs/${'a'.repeat(32)}/3f2a9c0d1e4b5a6978890a1b2c3d4e5f-1234567890`, container('ecs')],
    ['LXC', '/lxc.payload.web1/system.slice/nginx.service', container('lxc', 'web1')],
    ['LXC before 4.0', '/lxc/web1', container('lxc', 'web1')],
    ['nspawn as a service', '/machine.slice/systemd-nspawn@web1.service/payload', container('nspawn', 'web1')],
    ['nspawn', String.raw`/machine.slice/machine-web\x2d1.scope`, container('nspawn', 'web-1')],
    ['a virtual machine', String.raw`/machine.slice/machine-qemu\x2d1\x2dweb.scope/libvirt/emulator`, null],
  ])('%s', (_, path, expected) => {
    expect(parseCgroupPath(path).container).toEqual(expected);
  });

  it('does not take a unit whose name is long and hexadecimal for a container', () => {
    expect(parseCgroupPath(`/system.slice/backup-${id}.service`)).toEqual({
      unit: `backup-${id}.service`,
      container: null,
    });
  });
});

describe('parseProcessCgroups', () => {
  it('reads version 2', () => {
    expect(parseProcessCgroups('0::/system.slice/ssh.service\n')).toEqual({
      path: '/system.slice/ssh.service',
      unit: 'ssh.service',
      container: null,
    });
  });

  it('takes the container from version 1 where version 2 says nothing', () => {
    const text = [`12:pids:/docker/${id}`, `1:name=systemd:/docker/${id}`, '0::/', ''].join('\n');
    expect(parseProcessCgroups(text)).toEqual({ path: '/', unit: null, container: container('docker') });
  });

  it("takes the unit from systemd's own hierarchy where there is no version 2", () => {
    const text = ['5:cpu,cpuacct:/system.slice', '1:name=systemd:/system.slice/nginx.service', ''].join('\n');
    expect(parseProcessCgroups(text)).toEqual({
      path: '/system.slice/nginx.service',
      unit: 'nginx.service',
      container: null,
    });
  });

  it('knows a process that has outlived its cgroup', () => {
    expect(parseProcessCgroups('0::/system.slice/old.service (deleted)\n').unit).toBe('old.service');
  });

  it('reads a path with colons', () => {
    expect(parseProcessCgroups(`0::/a.slice:cri-containerd:${id}\n`).container).toEqual(container('containerd'));
  });

  it.each(['', '\n', 'nonsense', '0::relative'])('makes nothing of %j', (text) => {
    expect(parseProcessCgroups(text)).toEqual({ path: null, unit: null, container: null });
  });
});

describe('unescapeUnit', () => {
  it.each([
    [String.raw`a\x2db.service`, 'a-b.service'],
    [String.raw`caf\xc3\xa9.service`, 'café.service'],
    ['plain.service', 'plain.service'],
  ])('%s is %s', (unit, plain) => {
    expect(unescapeUnit(unit)).toBe(plain);
  });
});
