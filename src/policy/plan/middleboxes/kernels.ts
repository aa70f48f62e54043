import type { Middlebox } from '../middlebox.js';
import { day, hour, second } from './units.js';

/** Facts of IPVS, whichever program configures it. */
const ipvs = {
  timeoutMs: 900 * second,
  onExpiry: 'unknown',
  keepAliveCounts: true,
  sure: 'confirmed',
  note: 'the next packet is dropped or answered with RST',
} as const;

const ipvsSource = 'Linux, net/netfilter/ipvs/ip_vs_proto_tcp.c, tcp_timeouts';

/** The connection tables of kernels, routers and Kubernetes networks. */
export const kernelMiddleboxes: readonly Middlebox[] = [
  {
    name: 'linux-conntrack',
    title: 'Linux conntrack: iptables, nftables, Docker',
    timeoutMs: 5 * day,
    settable: { by: 'net.netfilter.nf_conntrack_tcp_timeout_established' },
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'confirmed',
    source: 'Linux, net/netfilter/nf_conntrack_proto_tcp.c',
  },
  {
    name: 'openwrt',
    title: 'OpenWrt',
    timeoutMs: 7440 * second,
    settable: { by: 'net.netfilter.nf_conntrack_tcp_timeout_established' },
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'confirmed',
    source: 'OpenWrt, sysctl-nf-conntrack.conf',
  },
  {
    name: 'mikrotik',
    title: 'MikroTik RouterOS',
    timeoutMs: day,
    settable: { by: 'tcp-established-timeout' },
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'confirmed',
    source: 'MikroTik wiki, IP/Firewall/Connection tracking',
  },
  {
    name: 'pf',
    title: 'pf, pfSense, OPNsense',
    timeoutMs: day,
    settable: { by: 'tcp.established' },
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'confirmed',
    source: 'pf, pfvar.h, PFTM_TCP_ESTABLISHED_VAL',
  },
  {
    name: 'kube-proxy-iptables',
    title: 'Kubernetes, kube-proxy with iptables',
    timeoutMs: day,
    settable: { by: '--conntrack-tcp-timeout-established' },
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'confirmed',
    source: 'kube-proxy reference',
  },
  {
    name: 'kube-proxy-ipvs',
    title: 'Kubernetes, kube-proxy with IPVS',
    settable: { by: '--ipvs-tcp-timeout' },
    source: `${ipvsSource}; kubernetes pull request 85517; kubelb issue 539`,
    ...ipvs,
  },
  {
    name: 'kube-router',
    title: 'kube-router',
    settable: null,
    source: `${ipvsSource}; kube-router issue 521`,
    ...ipvs,
  },
  {
    name: 'docker-swarm',
    title: 'Docker Swarm ingress',
    settable: null,
    source: ipvsSource,
    ...ipvs,
  },
  {
    name: 'cilium',
    title: 'Cilium BPF conntrack',
    timeoutMs: 8000 * second,
    settable: { by: 'bpf-ct-timeout-regular-tcp' },
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'confirmed',
    source: 'Cilium agent source',
    note: 'older releases: 6 h',
  },
  {
    name: 'calico-ebpf',
    title: 'Calico eBPF',
    timeoutMs: hour,
    settable: {},
    onExpiry: 'silent',
    keepAliveCounts: true,
    sure: 'confirmed',
    source: 'Calico, felix/bpf/conntrack, DefaultTimeouts',
    date: '2024',
  },
];
