// Nothing: the frontends talk to the core itself.
#ifndef HAK_HARDENING_IMPL_H
#define HAK_HARDENING_IMPL_H

#define HAK_HARDENING_IMPL "off"

#include "hak_unguarded.h"

#endif
