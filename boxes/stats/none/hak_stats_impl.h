// Only what the boundary and the span allocator know anyway.
#ifndef HAK_STATS_IMPL_H
#define HAK_STATS_IMPL_H

#define HAK_STATS_IMPL "none"

#endif
