// What the kernel and the dynamic linker say about this process, asked without malloc.
#include "hak_bench.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct bench_usage_counts bench_usage_counts(void)
{
    struct rusage own, children; // children: the processes of cold_start
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    return (struct bench_usage_counts){
        .minor_faults = own.ru_minflt + children.ru_minflt,
        .voluntary_switches = own.ru_nvcsw + children.ru_nvcsw,
        .involuntary_switches = own.ru_nivcsw + children.ru_nivcsw,
    };
}

// Not getrusage: its ru_maxrss starts at the size of the process that forked us.
long bench_status_kib(const char *field)
{
    char text[4096];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    if (length < 0)
        bench_fail("cannot read /proc/self/status");
    text[length] = 0;
    const char *line = strstr(text, field);
    if (!line)
        bench_fail("/proc/self/status has no memory figures");
    return strtol(line + strlen(field) + 1, NULL, 10);
}

void bench_note_resident(struct worker *w)
{
    if (w->job->value[BENCH_WAIT_MS])
        usleep((useconds_t)w->job->value[BENCH_WAIT_MS] * 1000);
    w->resident_mib = (double)bench_status_kib("VmRSS") / 1024;
}

const char *bench_malloc_library(void)
{
    Dl_info owner = {0};
    dladdr((void *)(uintptr_t)malloc, &owner);
    return owner.dli_fname ? owner.dli_fname : "";
}

void **bench_array(struct worker *w, size_t count)
{
    size_t bytes = count * sizeof(void *);
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        bench_fail("no memory for the workload's own array");
    w->array = (struct bench_mapping){start, bytes};
    return start;
}

void bench_drop_array(struct worker *w)
{
    if (w->array.start)
        munmap(w->array.start, w->array.bytes);
}
