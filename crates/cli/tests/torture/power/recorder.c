/* Loaded before libc into a process that writes to a disk: puts down, in their order, all writes, syncs and changes of
   names below TORTURE_ROOT into the file TORTURE_LOG. Each is put down when it is done. For the test of power cuts.

   An entry is: a letter, the number of the file (4 bytes), an offset or length (8 bytes), the number of bytes that
   follow (4 bytes), those bytes. Numbers are in the machine's own order.
     o  opened: the number stands for the path that follows; the offset is 1 if the file was made just now
     w  written at the offset        t  cut to the length        s  synced
     r  renamed: two paths parted by a byte of zero               u  unlinked: the path */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static uint32_t number[FILES]; /* of each descriptor; 0 is one that is not looked at */
static uint32_t given;
static int out = -1;
static const char *root;
static int forgets; /* with TORTURE_FORGET no sync reaches the disk, as on one that lies */

static void put(const void *bytes, size_t count) {
  const char *at = bytes;
  while (count > 0) {
    ssize_t n = syscall(SYS_write, out, at, count);
    if (n <= 0) abort();
    at += n;
    count -= (size_t)n;
  }
}

static void entry(char kind, uint32_t file, uint64_t where, const void *bytes, uint32_t count) {
  char head[17];
  head[0] = kind;
  memcpy(head + 1, &file, 4);
  memcpy(head + 5, &where, 8);
  memcpy(head + 13, &count, 4);
  put(head, sizeof head);
  put(bytes, count);
}

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("TORTURE_LOG");
  forgets = getenv("TORTURE_FORGET") != NULL;
  root = getenv("TORTURE_ROOT");
  if (log == NULL || root == NULL) return;
  out = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static int ours(const char *path) { return out >= 0 && path != NULL && strncmp(path, root, strlen(root)) == 0; }
static uint32_t known(int fd) { return out >= 0 && fd >= 0 && fd < FILES ? number[fd] : 0; }

static int opened(int dir, const char *path, int flags, mode_t mode) {
  if (!ours(path)) return (int)syscall(SYS_openat, dir, path, flags, mode);
  pthread_mutex_lock(&order);
  int made = (flags & O_CREAT) && syscall(SYS_faccessat, dir, path, F_OK) != 0;
  int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
  int error = errno;
  if (fd >= 0 && fd < FILES) {
    number[fd] = ++given;
    entry('o', given, (uint64_t)made, path, (uint32_t)strlen(path));
    if ((flags & O_TRUNC) && !made) entry('t', given, 0, "", 0);
  }
  pthread_mutex_unlock(&order);
  errno = error;
  return fd;
}

static mode_t mode_of(int flags, va_list more) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

#define OPEN(name)                                                                                                     \
  int name(const char *path, int flags, ...) {                                                                         \
    va_list more;                                                                                                      \
    va_start(more, flags);                                                                                             \
    mode_t mode = mode_of(flags, more);                                                                                \
    va_end(more);                                                                                                      \
    return opened(AT_FDCWD, path, flags, mode);                                                                        \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
  int name(int dir, const char *path, int flags, ...) {                                                                \
    va_list more;                                                                                                      \
    va_start(more, flags);                                                                                             \
    mode_t mode = mode_of(flags, more);                                                                                \
    va_end(more);                                                                                                      \
    return opened(dir, path, flags, mode);                                                                             \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  pthread_mutex_lock(&order);
  if (fd >= 0 && fd < FILES) number[fd] = 0;
  int result = (int)syscall(SYS_close, fd);
  int error = errno;
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}

static ssize_t wrote(int fd, const void *bytes, size_t count, off_t at, int seeks) {
  pthread_mutex_lock(&order);
  ssize_t done = seeks ? syscall(SYS_write, fd, bytes, count) : syscall(SYS_pwrite64, fd, bytes, count, at);
  int error = errno;
  if (done > 0) {
    /* After a write the place is behind what was written, also where it was appended. */
    if (seeks) at = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) - done;
    entry('w', known(fd), (uint64_t)at, bytes, (uint32_t)done);
  }
  pthread_mutex_unlock(&order);
  errno = error;
  return done;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  return known(fd) ? wrote(fd, bytes, count, 0, 1) : syscall(SYS_write, fd, bytes, count);
}
#define PWRITE(name)                                                                                                   \
  ssize_t name(int fd, const void *bytes, size_t count, off_t at) {                                                    \
    return known(fd) ? wrote(fd, bytes, count, at, 0) : syscall(SYS_pwrite64, fd, bytes, count, at);                   \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

/* What is written in pieces would escape: nobody whom this is made for does it. */
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  if (known(fd)) abort();
  return syscall(SYS_writev, fd, pieces, count);
}

static int synced(int fd, long call) {
  if (forgets) return 0;
  uint32_t file = known(fd);
  if (!file) return (int)syscall(call, fd);
  /* Only what came before the call is sure to be there after it. */
  pthread_mutex_lock(&order);
  int result = (int)syscall(call, fd);
  int error = errno;
  if (result == 0) entry('s', file, 0, "", 0);
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int cut(int fd, off_t length) {
  pthread_mutex_lock(&order);
  int result = (int)syscall(SYS_ftruncate, fd, length);
  int error = errno;
  if (result == 0 && known(fd)) entry('t', known(fd), (uint64_t)length, "", 0);
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off_t length) { return cut(fd, length); }

int rename(const char *from, const char *to) {
  pthread_mutex_lock(&order);
  int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  int error = errno;
  if (result == 0 && ours(from)) {
    char both[8192];
    size_t first = strlen(from) + 1, second = strlen(to);
    if (first + second > sizeof both) abort();
    memcpy(both, from, first);
    memcpy(both + first, to, second);
    entry('r', 0, 0, both, (uint32_t)(first + second));
  }
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}

int unlink(const char *path) {
  pthread_mutex_lock(&order);
  int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  int error = errno;
  if (result == 0 && ours(path)) entry('u', 0, 0, path, (uint32_t)strlen(path));
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}
