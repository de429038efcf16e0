// Trap 15: a set-uid program ignores the environment. The program copies itself, gives the copy
// another owner and the set-uid bit, and runs it; linked with the archive, as that owner need not
// be able to read the library.
#include "trap.h"
#include <errno.h>
#include <sys/auxv.h>
#include <sys/stat.h>

enum { OTHER_USER = 65534, SKIPPED = 77 };

// What the copy says: "secure 0" or "secure 1", then what hakmem writes.
static void run(const char *copy, char *ret_said, size_t room)
{
    char command[4300];
    snprintf(command, sizeof command, "HAKMEM_VERBOSE=1 HAKMEM_REFILL=odd '%s' copy 2>&1", copy);
    FILE *child = popen(command, "r");
    CHECK(child);
    ret_said[fread(ret_said, 1, room - 1, child)] = '\0';
    CHECK(pclose(child) == 0);
    printf("%s", ret_said);
}

int main(int argc, char **argv)
{
    char copy[4200], command[8500], said[1000];
    free(malloc(100));
    if (argc > 1) {
        printf("secure %lu\n", getauxval(AT_SECURE));
        return 0;
    }
    if (geteuid() != 0) {
        puts("only root can make a program that is set-uid to somebody else");
        return SKIPPED;
    }
    snprintf(copy, sizeof copy, "%s.setuid", argv[0]);
    snprintf(command, sizeof command, "cp '%s' '%s'", argv[0], copy);
    CHECK(system(command) == 0);
    run(copy, said, sizeof said);
    CHECK(strstr(said, "secure 0\n") && strstr(said, "served") && strstr(said, "bad value"));
    CHECK(chown(copy, OTHER_USER, OTHER_USER) == 0 && chmod(copy, 04755) == 0);
    run(copy, said, sizeof said);
    CHECK(unlink(copy) == 0);
    if (strstr(said, "secure 0")) {
        puts("this file system, or container, ignores the set-uid bit");
        return SKIPPED;
    }
    CHECK(strcmp(said, "secure 1\n") == 0);
}
