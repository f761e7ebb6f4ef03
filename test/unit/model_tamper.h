/*
 * What somebody else may do to the kernel.
 */
#ifndef KUBE_IPVS_TEST_UNIT_MODEL_TAMPER_H
#define KUBE_IPVS_TEST_UNIT_MODEL_TAMPER_H

#include "model_reference.h"

/* One thing at random, noted with the strangers if it is theirs to stay, and told in words. */
void model_tamper(struct fake_kernel *fake, struct strangers *strangers, struct dice *dice,
                  struct text *ret_words);

#endif
