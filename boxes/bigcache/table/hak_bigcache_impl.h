#ifndef HAK_BIGCACHE_IMPL_H
#define HAK_BIGCACHE_IMPL_H

#define HAK_BIGCACHE_IMPL "table"

#endif
