/* Version of the hakmem headers; hak_version() gives the version of the library that runs. */
#ifndef HAKMEM_VERSION_H
#define HAKMEM_VERSION_H

#define HAKMEM_VERSION_MAJOR 0
#define HAKMEM_VERSION_MINOR 1
#define HAKMEM_VERSION_PATCH 0
#define HAKMEM_VERSION "0.1.0"

#endif
