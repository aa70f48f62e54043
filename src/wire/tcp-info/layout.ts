/**
 * The offset of each field of `struct tcp_info`, from include/uapi/linux/tcp.h:
 *
 *     struct tcp_info {
 *       __u8  tcpi_state;                  //   0
 *       __u8  tcpi_ca_state;               //   1
 *       __u8  tcpi_retransmits;            //   2
 *       __u8  tcpi_probes;                 //   3
 *       __u8  tcpi_backoff;                //   4
 *       __u8  tcpi_options;                //   5
 *       __u8  tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
 *       __u8  tcpi_delivery_rate_app_limited : 1, tcpi_fastopen_client_fail : 2;
 *       __u32 tcpi_rto;                    //   8, microseconds
 *       __u32 tcpi_ato;                    //  12
 *       __u32 tcpi_snd_mss;                //  16
 *       __u32 tcpi_rcv_mss;                //  20
 *       __u32 tcpi_unacked;                //  24
 *       __u32 tcpi_sacked;                 //  28
 *       __u32 tcpi_lost;                   //  32
 *       __u32 tcpi_retrans;                //  36
 *       __u32 tcpi_fackets;                //  40
 *       __u32 tcpi_last_data_sent;         //  44, milliseconds ago
 *       __u32 tcpi_last_ack_sent;          //  48
 *       __u32 tcpi_last_data_recv;         //  52
 *       __u32 tcpi_last_ack_recv;          //  56
 *       __u32 tcpi_pmtu;                   //  60
 *       __u32 tcpi_rcv_ssthresh;           //  64
 *       __u32 tcpi_rtt;                    //  68, microseconds
 *       __u32 tcpi_rttvar;                 //  72
 *       __u32 tcpi_snd_ssthresh;           //  76
 *       __u32 tcpi_snd_cwnd;               //  80
 *       __u32 tcpi_advmss;                 //  84
 *       __u32 tcpi_reordering;             //  88
 *       __u32 tcpi_rcv_rtt;                //  92
 *       __u32 tcpi_rcv_space;              //  96
 *       __u32 tcpi_total_retrans;          // 100
 *       __u64 tcpi_pacing_rate;            // 104, since 3.15
 *       __u64 tcpi_max_pacing_rate;        // 112
 *       __u64 tcpi_bytes_acked;            // 120, since 4.1
 *       __u64 tcpi_bytes_received;         // 128
 *       __u32 tcpi_segs_out;               // 136, since 4.2
 *       __u32 tcpi_segs_in;                // 140
 *       __u32 tcpi_notsent_bytes;          // 144, since 4.6
 *       __u32 tcpi_min_rtt;                // 148
 *       __u32 tcpi_data_segs_in;           // 152
 *       __u32 tcpi_data_segs_out;          // 156
 *       __u64 tcpi_delivery_rate;          // 160, since 4.9
 *       __u64 tcpi_busy_time;              // 168, since 4.10, microseconds
 *       __u64 tcpi_rwnd_limited;           // 176
 *       __u64 tcpi_sndbuf_limited;         // 184
 *       __u32 tcpi_delivered;              // 192, since 4.18
 *       __u32 tcpi_delivered_ce;           // 196
 *       __u64 tcpi_bytes_sent;             // 200, since 4.19
 *       __u64 tcpi_bytes_retrans;          // 208
 *       __u32 tcpi_dsack_dups;             // 216
 *       __u32 tcpi_reord_seen;             // 220
 *       __u32 tcpi_rcv_ooopack;            // 224, since 5.4
 *       __u32 tcpi_snd_wnd;                // 228
 *       __u32 tcpi_rcv_wnd;                // 232, since 6.2
 *       __u32 tcpi_rehash;                 // 236
 *       __u16 tcpi_total_rto;              // 240, since 6.7
 *       __u16 tcpi_total_rto_recoveries;   // 242
 *       __u32 tcpi_total_rto_time;         // 244, milliseconds
 *       __u32 tcpi_received_ce;            // 248, since 6.18
 *       __u32 tcpi_delivered_e1_bytes;     // 252
 *       __u32 tcpi_delivered_e0_bytes;     // 256
 *       __u32 tcpi_delivered_ce_bytes;     // 260
 *       __u32 tcpi_received_e1_bytes;      // 264
 *       __u32 tcpi_received_e0_bytes;      // 268
 *       __u32 tcpi_received_ce_bytes;      // 272
 *       __u16 tcpi_accecn_fail_mode;       // 276
 *       __u16 tcpi_accecn_opt_seen;        // 278
 *     };
 *
 * The structure only grows: a kernel fills in the fields that it knows. `test/wire` compares the offsets with the machine's
 * own headers. The two bytes of bit fields are left out, because C cannot take the offset of a bit field.
 */
export const tcpInfoOffsets = {
  tcpi_state: 0,
  tcpi_ca_state: 1,
  tcpi_retransmits: 2,
  tcpi_probes: 3,
  tcpi_backoff: 4,
  tcpi_options: 5,
  tcpi_rto: 8,
  tcpi_ato: 12,
  tcpi_snd_mss: 16,
  tcpi_rcv_mss: 20,
  tcpi_unacked: 24,
  tcpi_sacked: 28,
  tcpi_lost: 32,
  tcpi_retrans: 36,
  tcpi_fackets: 40,
  tcpi_last_data_sent: 44,
  tcpi_last_ack_sent: 48,
  tcpi_last_data_recv: 52,
  tcpi_last_ack_recv: 56,
  tcpi_pmtu: 60,
  tcpi_rcv_ssthresh: 64,
  tcpi_rtt: 68,
  tcpi_rttvar: 72,
  tcpi_snd_ssthresh: 76,
  tcpi_snd_cwnd: 80,
  tcpi_advmss: 84,
  tcpi_reordering: 88,
  tcpi_rcv_rtt: 92,
  tcpi_rcv_space: 96,
  tcpi_total_retrans: 100,
  tcpi_pacing_rate: 104,
  tcpi_max_pacing_rate: 112,
  tcpi_bytes_acked: 120,
  tcpi_bytes_received: 128,
  tcpi_segs_out: 136,
  tcpi_segs_in: 140,
  tcpi_notsent_bytes: 144,
  tcpi_min_rtt: 148,
  tcpi_data_segs_in: 152,
  tcpi_data_segs_out: 156,
  tcpi_delivery_rate: 160,
  tcpi_busy_time: 168,
  tcpi_rwnd_limited: 176,
  tcpi_sndbuf_limited: 184,
  tcpi_delivered: 192,
  tcpi_delivered_ce: 196,
  tcpi_bytes_sent: 200,
  tcpi_bytes_retrans: 208,
  tcpi_dsack_dups: 216,
  tcpi_reord_seen: 220,
  tcpi_rcv_ooopack: 224,
  tcpi_snd_wnd: 228,
  tcpi_rcv_wnd: 232,
  tcpi_rehash: 236,
  tcpi_total_rto: 240,
  tcpi_total_rto_recoveries: 242,
  tcpi_total_rto_time: 244,
  tcpi_received_ce: 248,
  tcpi_delivered_e1_bytes: 252,
  tcpi_delivered_e0_bytes: 256,
  tcpi_delivered_ce_bytes: 260,
  tcpi_received_e1_bytes: 264,
  tcpi_received_e0_bytes: 268,
  tcpi_received_ce_bytes: 272,
  tcpi_accecn_fail_mode: 276,
  tcpi_accecn_opt_seen: 278,
} as const;
