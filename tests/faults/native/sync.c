/* What synchronous=NORMAL does: the write-ahead log is synced before a checkpoint writes into the database, and never
 * by a commit. For the control of the test of power loss, which must find that commits are lost. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* The log that is behind, or -1. */
static int behind = -1;

static int leads_to(int fd, const char *ending) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    size_t wanted = strlen(ending);
    if (length < (ssize_t)wanted) return 0;
    path[length] = 0;
    return strcmp(path + length - wanted, ending) == 0;
}

static int synced(const char *name, int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, name);
    if (!leads_to(fd, "-wal")) return real(fd);
    behind = fd;
    return 0;
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }

static void catch_up(int fd) {
    if (behind >= 0 && leads_to(fd, ".db")) {
        int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
        real(behind);
        behind = -1;
    }
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    catch_up(fd);
    return real(fd, bytes, length, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }
