#ifndef HAK_REFILL_IMPL_H
#define HAK_REFILL_IMPL_H

#define HAK_REFILL_IMPL "p0"

#endif
