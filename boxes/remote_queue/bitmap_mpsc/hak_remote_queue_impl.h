#ifndef HAK_REMOTE_QUEUE_IMPL_H
#define HAK_REMOTE_QUEUE_IMPL_H

#define HAK_REMOTE_QUEUE_IMPL "bitmap_mpsc"

#endif
