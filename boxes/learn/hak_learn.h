// Learning: tunes the options from what the process does, off the hit paths.
#ifndef HAK_LEARN_H
#define HAK_LEARN_H

#include "hak_base.h"

#include "hak_learn_impl.h" // the folder chosen by -Dlearn=...
_Static_assert(sizeof(HAK_LEARN_IMPL) > 1, "an implementation names itself");

#endif
