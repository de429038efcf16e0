#ifndef HAK_REFILL_IMPL_H
#define HAK_REFILL_IMPL_H

#define HAK_REFILL_IMPL "single"

#endif
