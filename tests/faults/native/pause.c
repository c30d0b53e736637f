/* A process that stops in the middle of its first commit, with the lock on the database, as when its terminal suspends it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void pause_at(int fd) {
    static int paused;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (paused || length < 4 || strncmp(path + length - 4, "-wal", 4)) return;
    paused = 1;
    raise(SIGSTOP);
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    pause_at(fd);
    return real(fd);
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    pause_at(fd);
    return real(fd);
}
