/*
 * Stands between a process and the C library (LD_PRELOAD) for the files below one folder, and does two things:
 *
 * - writes down, in order, what the process writes, truncates, creates, renames, removes and syncs, so that faulty-disk.ts can make of it what a computer
 *   whose power was cut would have found: what was synced, and anything of the rest;
 * - fails calls as a disk does that breaks (EIO), or that the system made read-only (EROFS).
 *
 * FAULTY_DISK_DIR: the folder. FAULTY_DISK_EXCEPT: one below it that is left alone. FAULTY_DISK_LOG: where to write down.
 * FAULTY_DISK_CONTROL: a file of 8 bytes, shared: which fault (enum below), and how many calls it spares first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NO_FAULT, WRITE_EIO, READ_EIO, SYNC_EIO, READ_ONLY };
enum { FDS = 65536 };

struct control { volatile int32_t fault, spare; };
/* `kind`: W write, T truncate, S sync, C create, N rename, U unlink, K mkdir, R rmdir. `length` bytes follow: what was written, or the path(s), each with its end. */
struct record { uint32_t kind; uint32_t length; uint64_t inode; int64_t offset; };

static const char *dir, *except;
static size_t dirLength;
static int log_fd = -1;
static struct control *control;
static uint64_t inodes[FDS];
static unsigned char is_folder[FDS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
  static type (*real_##name)(__VA_ARGS__); \
  if (!real_##name) real_##name = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  REAL(int, open, const char *, int, ...);
  const char *log = getenv("FAULTY_DISK_LOG"), *shared = getenv("FAULTY_DISK_CONTROL");
  dir = getenv("FAULTY_DISK_DIR");
  except = getenv("FAULTY_DISK_EXCEPT");
  if (!dir || !log || !shared) { dir = NULL; return; }
  dirLength = strlen(dir);
  log_fd = real_open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  int fd = real_open(shared, O_RDWR | O_CLOEXEC);
  void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (log_fd < 0 || map == MAP_FAILED) { fputs("faulty-disk: its files cannot be opened\n", stderr); _exit(97); }
  control = map;
  /* What this process starts (the ledger) is not its disk. */
  unsetenv("LD_PRELOAD");
}

static int is_ours(const char *path) {
  if (!dir || !path || strncmp(path, dir, dirLength) || (path[dirLength] != '/' && path[dirLength])) return 0;
  return !except || strncmp(path, except, strlen(except));
}

/* Whether this call fails now. */
static int fails(int writes, int syncs) {
  if (!control || control->fault == NO_FAULT) return 0;
  int fault = control->fault, error = 0;
  if (fault == WRITE_EIO && writes && !syncs) error = EIO;
  if (fault == SYNC_EIO && syncs) error = EIO;
  if (fault == READ_EIO && !writes) error = EIO;
  if (fault == READ_ONLY && writes) error = EROFS;
  if (!error) return 0;
  if (control->spare > 0) { control->spare--; return 0; }
  errno = error;
  return 1;
}

static void put(uint32_t kind, uint64_t inode, int64_t offset, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  struct iovec all[66];
  struct record record = { kind, 0, inode, offset };
  if (count > 64) { fputs("faulty-disk: too many parts\n", stderr); _exit(97); }
  all[0] = (struct iovec){ &record, sizeof record };
  for (int i = 0; i < count; i++) { all[i + 1] = parts[i]; record.length += parts[i].iov_len; }
  if (real_writev(log_fd, all, count + 1) != (ssize_t)(sizeof record + record.length)) { perror("faulty-disk"); _exit(97); }
}

static void put_bytes(uint32_t kind, uint64_t inode, int64_t offset, const void *bytes, size_t length) {
  struct iovec part = { (void *)bytes, length };
  put(kind, inode, offset, &part, 1);
}

static uint64_t inode_of(int fd) { return fd >= 0 && fd < FDS ? inodes[fd] : 0; }

static int opened(const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...)) {
  if (!is_ours(path)) return real(path, flags, mode);
  int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
  if (control->fault == READ_ONLY && writes) { errno = EROFS; return -1; }
  pthread_mutex_lock(&mutex);
  int was = access(path, F_OK) == 0;
  int fd = real(path, flags, mode);
  int error = errno;
  struct stat found;
  if (fd >= 0 && fd < FDS && fstat(fd, &found) == 0) {
    inodes[fd] = found.st_ino;
    is_folder[fd] = S_ISDIR(found.st_mode);
    if (!was && (flags & O_CREAT)) put_bytes('C', found.st_ino, 0, path, strlen(path) + 1);
    else if (flags & O_TRUNC) put('T', found.st_ino, 0, NULL, 0);
  }
  pthread_mutex_unlock(&mutex);
  errno = error;
  return fd;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(int, name, const char *, int, ...); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
    return opened(path, flags, mode, real_##name); \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  REAL(int, close, int);
  if (fd >= 0 && fd < FDS) inodes[fd] = 0;
  return real_close(fd);
}

static ssize_t written(int fd, const struct iovec *parts, int count, int64_t offset, ssize_t (*real)(int, const struct iovec *, int, int64_t)) {
  uint64_t inode = inode_of(fd);
  if (!inode) return real(fd, parts, count, offset);
  if (fails(1, 0)) return -1;
  pthread_mutex_lock(&mutex);
  int64_t at = offset;
  if (offset < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
  put('W', inode, at, parts, count);
  ssize_t result = real(fd, parts, count, offset);
  pthread_mutex_unlock(&mutex);
  return result;
}

static ssize_t do_write(int fd, const struct iovec *parts, int count, int64_t offset) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  (void)offset;
  return real_writev(fd, parts, count);
}
static ssize_t do_pwrite(int fd, const struct iovec *parts, int count, int64_t offset) {
  REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
  return real_pwritev(fd, parts, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct iovec part = { (void *)bytes, length };
  if (!inode_of(fd)) { REAL(ssize_t, write, int, const void *, size_t); return real_write(fd, bytes, length); }
  return written(fd, &part, 1, -1, do_write);
}
ssize_t writev(int fd, const struct iovec *parts, int count) { return written(fd, parts, count, -1, do_write); }
#define PWRITE(name) \
  ssize_t name(int fd, const void *bytes, size_t length, off_t offset) { \
    struct iovec part = { (void *)bytes, length }; \
    return written(fd, &part, 1, offset, do_pwrite); \
  }
PWRITE(pwrite)
PWRITE(pwrite64)
#define PWRITEV(name) \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t offset) { return written(fd, parts, count, offset, do_pwrite); }
PWRITEV(pwritev)
PWRITEV(pwritev64)

#define READ(name, parameters, ...) \
  ssize_t name parameters { \
    REAL(ssize_t, name, __VA_ARGS__); \
    if (inode_of(fd) && fails(0, 0)) return -1; \
    return real_##name ARGUMENTS; \
  }
#define ARGUMENTS (fd, bytes, length)
READ(read, (int fd, void *bytes, size_t length), int, void *, size_t)
#undef ARGUMENTS
#define ARGUMENTS (fd, bytes, length, offset)
READ(pread, (int fd, void *bytes, size_t length, off_t offset), int, void *, size_t, off_t)
READ(pread64, (int fd, void *bytes, size_t length, off_t offset), int, void *, size_t, off_t)
#undef ARGUMENTS

#define TRUNCATE(name) \
  int name(int fd, off_t length) { \
    REAL(int, name, int, off_t); \
    uint64_t inode = inode_of(fd); \
    if (!inode) return real_##name(fd, length); \
    if (fails(1, 0)) return -1; \
    pthread_mutex_lock(&mutex); \
    put('T', inode, length, NULL, 0); \
    int result = real_##name(fd, length); \
    pthread_mutex_unlock(&mutex); \
    return result; \
  }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name) \
  int name(int fd) { \
    REAL(int, name, int); \
    uint64_t inode = inode_of(fd); \
    if (!inode) return real_##name(fd); \
    if (fails(1, 1)) return -1; \
    /* Nothing that this computer does depends on it: the power that is cut is not its own. */ \
    pthread_mutex_lock(&mutex); \
    put('S', inode, is_folder[fd], NULL, 0); \
    pthread_mutex_unlock(&mutex); \
    return 0; \
  }
SYNC(fsync)
SYNC(fdatasync)

#define ON_PATH(name, kind, parameters, call, ...) \
  int name parameters { \
    REAL(int, name, __VA_ARGS__); \
    if (!is_ours(path)) return real_##name call; \
    if (fails(1, 0)) return -1; \
    pthread_mutex_lock(&mutex); \
    int result = real_##name call; \
    int error = errno; \
    struct stat found = { 0 }; \
    if (result == 0 && kind == 'K') stat(path, &found); \
    if (result == 0) put_bytes(kind, found.st_ino, 0, path, strlen(path) + 1); \
    pthread_mutex_unlock(&mutex); \
    errno = error; \
    return result; \
  }
ON_PATH(unlink, 'U', (const char *path), (path), const char *)
ON_PATH(rmdir, 'R', (const char *path), (path), const char *)
ON_PATH(mkdir, 'K', (const char *path, mode_t mode), (path, mode), const char *, mode_t)

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  if (!is_ours(from)) return real_rename(from, to);
  if (fails(1, 0)) return -1;
  pthread_mutex_lock(&mutex);
  int result = real_rename(from, to);
  struct iovec parts[] = { { (void *)from, strlen(from) + 1 }, { (void *)to, strlen(to) + 1 } };
  int error = errno;
  if (result == 0) put('N', 0, 0, parts, 2);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}

/* What is not written down would be missing from the picture after a cut: better to end than to be believed. */
#define UNKNOWN(name, test, type, ...) \
  type name(__VA_ARGS__) { \
    if (test) { fputs("faulty-disk: does not know " #name "\n", stderr); _exit(97); } \
    REAL(type, name, __VA_ARGS__); \
    return real_##name ARGUMENTS; \
  }
#define ARGUMENTS (from, to)
UNKNOWN(link, is_ours(to), int, const char *from, const char *to)
#undef ARGUMENTS
#define ARGUMENTS (fd, at, length)
UNKNOWN(posix_fallocate, inode_of(fd), int, int fd, off_t at, off_t length)
UNKNOWN(posix_fallocate64, inode_of(fd), int, int fd, off_t at, off_t length)
#undef ARGUMENTS
#define ARGUMENTS (out, in, at, length)
UNKNOWN(sendfile, inode_of(out), ssize_t, int out, int in, off_t *at, size_t length)
UNKNOWN(sendfile64, inode_of(out), ssize_t, int out, int in, off_t *at, size_t length)
#undef ARGUMENTS
#define ARGUMENTS (in, inAt, out, outAt, length, flags)
UNKNOWN(copy_file_range, inode_of(out), ssize_t, int in, off_t *inAt, int out, off_t *outAt, size_t length, unsigned flags)
