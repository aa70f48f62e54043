/** The numbers of the helpers that programs of this package call, from `BPF_FUNC_...` in include/uapi/linux/bpf.h. */
export const bpfHelpers = {
  mapLookup: 1,
  ktimeGetNs: 5,
  getSocketCookie: 46,
  setsockopt: 49,
  getsockopt: 57,
  seqWrite: 127,
  skcToTcpSock: 137,
  sockFromFile: 162,
} as const;
