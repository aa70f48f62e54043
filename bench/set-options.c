/*
 * The floor for bench/set.ts: the system calls of setKeepAlive, in its order, on a loopback connection.
 * Reads iteration counts from standard input, one a line, and answers each with nanoseconds per operation.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct assignment {
  int level;
  int option;
  int value;
};

static const struct assignment policies[2][5] = {
    {{IPPROTO_TCP, TCP_KEEPINTVL, 5},
     {IPPROTO_TCP, TCP_KEEPCNT, 3},
     {IPPROTO_TCP, TCP_USER_TIMEOUT, 45000},
     {SOL_SOCKET, SO_KEEPALIVE, 1},
     {IPPROTO_TCP, TCP_KEEPIDLE, 30}},
    {{IPPROTO_TCP, TCP_KEEPINTVL, 6},
     {IPPROTO_TCP, TCP_KEEPCNT, 4},
     {IPPROTO_TCP, TCP_USER_TIMEOUT, 55000},
     {SOL_SOCKET, SO_KEEPALIVE, 1},
     {IPPROTO_TCP, TCP_KEEPIDLE, 31}},
};

/* The order in which setKeepAlive reads, as indexes into a policy. */
static const int reading_order[5] = {4, 0, 1, 2, 3};

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void read_options(int fd, const struct assignment *policy, int values[5]) {
  for (int i = 0; i < 5; i++) {
    const struct assignment *a = &policy[reading_order[i]];
    socklen_t length = sizeof(int);
    if (getsockopt(fd, a->level, a->option, &values[reading_order[i]], &length) != 0) fail("getsockopt");
  }
}

static void set_and_verify(int fd, const struct assignment *policy) {
  int before[5], after[5];
  char info[280];
  socklen_t length = sizeof(info);
  read_options(fd, policy, before);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &length) != 0) fail("getsockopt");
  for (int i = 0; i < 5; i++) {
    if (setsockopt(fd, policy[i].level, policy[i].option, &policy[i].value, sizeof(int)) != 0) fail("setsockopt");
  }
  read_options(fd, policy, after);
  for (int i = 0; i < 5; i++) {
    if (after[i] != policy[i].value) fail("read-back");
  }
}

static int loopback_connection(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(address);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0)
    fail("listen");
  int client = socket(AF_INET, SOCK_STREAM, 0);
  if (client < 0 || connect(client, (struct sockaddr *)&address, length) != 0) fail("connect");
  if (accept(listener, NULL, NULL) < 0) fail("accept");
  close(listener);
  return client;
}

int main(void) {
  int fd = loopback_connection();
  long iterations;
  while (scanf("%ld", &iterations) == 1 && iterations > 0) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < iterations; i++) set_and_verify(fd, policies[i & 1]);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
    printf("%.1f\n", ns / iterations);
    fflush(stdout);
  }
  return 0;
}
