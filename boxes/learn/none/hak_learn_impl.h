// No learning.
#ifndef HAK_LEARN_IMPL_H
#define HAK_LEARN_IMPL_H

#define HAK_LEARN_IMPL "none"

#endif
