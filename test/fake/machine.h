/*
 * What measuring programs ask the machine for.
 */
#ifndef KUBE_IPVS_TEST_FAKE_MACHINE_H
#define KUBE_IPVS_TEST_FAKE_MACHINE_H

#include <stdint.h>

int64_t machine_now_ns(void); /* CLOCK_MONOTONIC */
/* Until nine tenths of the time are idle, for a minute at most. */
void machine_wait_until_idle(void);
/* Into a network namespace of its own, with loopback up. 0 or a negative errno. */
int machine_enter_network(void);

#endif
