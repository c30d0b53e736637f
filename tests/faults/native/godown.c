/* Takes the power from an ext4 file system: what has not been synced is gone (EXT4_IOC_SHUTDOWN, no flush of the journal). */
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>

int main(int count, char **words) {
    uint32_t no_flush = 2;
    int fd = count == 2 ? open(words[1], O_RDONLY) : -1;
    return fd < 0 || ioctl(fd, _IOR('X', 125, uint32_t), &no_flush) != 0;
}
