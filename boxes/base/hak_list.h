// Doubly linked lists through links inside the members.  A list is a link of its own: the ring's head.
#ifndef HAK_LIST_H
#define HAK_LIST_H

#include "hak_base.h"

struct hak_link {
    struct hak_link *next, *previous;
};

// The struct of type `type` whose member `member` is `*link`.
#define HAK_LIST_ENTRY(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

HAK_FAST void hak_list_clear(struct hak_link *list)
{
    list->next = list->previous = list;
}

HAK_FAST bool hak_list_is_empty(const struct hak_link *list)
{
    return list->next == list;
}

// Inserts before `place`: at the end of a list when `place` is its head.
HAK_FAST void hak_list_insert(struct hak_link *place, struct hak_link *link)
{
    link->next = place;
    link->previous = place->previous;
    place->previous->next = link;
    place->previous = link;
}

HAK_FAST void hak_list_remove(struct hak_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

#endif
