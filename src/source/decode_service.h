/*
 * The parts of a Service's decoder.
 */
#ifndef KUBE_IPVS_SOURCE_DECODE_SERVICE_H
#define KUBE_IPVS_SOURCE_DECODE_SERVICE_H

#include "decoder.h"

/* clusterIP, clusterIPs, ipFamilies, externalIPs and loadBalancerSourceRanges. The lists are in the arena. */
int read_service_addresses(struct decoder *decoder, const json_t *spec, struct service *draft);

#endif
