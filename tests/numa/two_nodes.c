// The first process of a machine with two memory nodes and a processor at each, made by
// scripts/two_nodes.py; on another one it only says so.  Memory is asked for on node 1 and first
// touched on node 0, where the kernel by itself would then take the pages from.
#define _GNU_SOURCE
#include <numaif.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20, BLOCKS = 4000, BLOCK_BYTES = 700 };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void move_to(unsigned node) // processor 0 is at node 0, 1 at 1
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(node, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        fail("sched_setaffinity");
}

// Percent of the pages of [p, p + bytes) that are on node 1.
static unsigned far_percent(const char *p, size_t bytes)
{
    size_t far = 0, pages = 0;
    for (size_t at = 0; at < bytes; at += PAGE, pages++) {
        int node = -1;
        if (get_mempolicy(&node, NULL, 0, (void *)(p + at), MPOL_F_NODE | MPOL_F_ADDR) != 0)
            fail("get_mempolicy");
        far += node == 1;
    }
    return (unsigned)(far * 100 / pages);
}

static void expect(const char *what, unsigned percent, unsigned low, unsigned high)
{
    printf("  %s: %u %% on node 1\n", what, percent);
    if (percent < low || percent > high)
        exit(1);
}

static unsigned small_blocks(void)
{
    static char *blocks[BLOCKS];
    unsigned percent = 0;
    move_to(1);
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(BLOCK_BYTES);
    move_to(0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        memset(blocks[i], 1, BLOCK_BYTES);
        percent += far_percent(blocks[i], 1);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return percent / BLOCKS;
}

static char *large_block(size_t bytes, unsigned *ret_percent)
{
    move_to(1);
    char *p = malloc(bytes);
    move_to(0);
    memset(p, 1, bytes);
    *ret_percent = far_percent(p, bytes);
    return p;
}

// `low`, `high`: bounds of the percentages of small, then of large blocks.
static void run(unsigned low, unsigned high, unsigned large_low, unsigned large_high)
{
    unsigned percent;
    expect("small blocks", small_blocks(), low, high);
    expect("small blocks again", small_blocks(), low, high);
    char *p = large_block(8 * MIB, &percent);
    expect("a large block", percent, large_low, large_high);
    p = realloc(p, 32 * MIB);
    expect("moved by realloc", far_percent(p, 8 * MIB), large_low, large_high);
    free(p);
    p = large_block(400 * MIB, &percent); // more than node 1 has
    expect("a block larger than the node", percent, 1, 99);
    free(p);
}

static void run_by_name(const char *name)
{
    if (strcmp(name, "own") == 0)
        run(95, 100, 100, 100);
    else if (strcmp(name, "interleave") == 0)
        run(95, 100, 20, 80); // huge pages go round as whole ones
    else if (strcmp(name, "off") == 0)
        run(0, 5, 0, 5);
    else
        run(10, 90, 10, 90); // numactl --interleave
    exit(0);
}

static bool passes(const char *name, char *numa, bool policy)
{
    int status = -1;
    printf("%s\n", name);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        unsigned long both = 3;
        if (policy && set_mempolicy(MPOL_INTERLEAVE, &both, 3) != 0)
            fail("set_mempolicy");
        execve("/init", (char *[]){"init", (char *)name, NULL}, (char *[]){numa, NULL});
        fail("execve");
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        run_by_name(argv[1]);
    if (getpid() != 1) {
        fputs("to be run by scripts/two_nodes.py\n", stderr);
        return 77;
    }
    bool passed = passes("own", "HAKMEM_NUMA=1", false);
    passed &= passes("interleave", "HAKMEM_NUMA=2", false);
    passed &= passes("off", "HAKMEM_NUMA=0", false);
    passed &= passes("policy", "HAKMEM_NUMA=1", true);
    puts(passed ? "PASSED" : "FAILED");
    fflush(stdout);
    reboot(RB_POWER_OFF);
}
