/** Numbers of `BPF_FUNC_...` in include/uapi/linux/bpf.h, of the helpers that programs here call. */
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
