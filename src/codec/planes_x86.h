/* The vector kernels of x86-64, for planes_best_x86.c alone. */
#ifndef MF_CODEC_PLANES_X86_H
#define MF_CODEC_PLANES_X86_H

#include "src/codec/planes.h"

const struct mf_planes_kernel *mf_planes_sse2(void); /* every x86-64 has it */
const struct mf_planes_kernel *mf_planes_avx2(void); /* ask the processor first */

#endif
