#include "seccomp.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* One rule. Names are separated by single blanks; a name that a kernel or libseccomp does not know is
 * ignored. */
struct rule {
    const char *comment;
    const char *names;
    const char *arches;   /* "arm arm64": only there; NULL everywhere */
    const char *argument; /* "0 < 40": argument, operator, value; NULL for any */
};

/* What every container may do: nothing here reaches beyond the caller's own namespaces and credentials. */
static const struct rule usual[] = {
    {"files: open, read, write, and what they are made of",
        "access chdir chmod close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 "
        "fadvise64 "
        "fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fcntl fcntl64 fdatasync flock fstat fstat64 "
        "fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 ioctl "
        "link "
        "linkat listmount _llseek lseek lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at "
        "newfstatat "
        "open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink "
        "readlinkat "
        "readv rename renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs statfs64 "
        "statmount "
        "statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat "
        "utime "
        "utimensat utimensat_time64 utimes vmsplice write writev",
        NULL, NULL},
    {"owners and extended attributes of files",
        "chown chown32 fchown fchown32 fchownat lchown lchown32 fgetxattr flistxattr fremovexattr fsetxattr "
        "getxattr "
        "getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr removexattr "
        "removexattrat "
        "setxattr setxattrat",
        NULL, NULL},
    {"waiting for many things at once",
        "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
        "epoll_wait_old eventfd "
        "eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel "
        "io_destroy "
        "io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit _newselect pipe pipe2 poll ppoll "
        "ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4",
        NULL, NULL},
    {"memory",
        "brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 "
        "mlockall mmap "
        "mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect "
        "process_mrelease remap_file_pages",
        NULL, NULL},
    {"processes and threads",
        "execve execveat exit exit_group fork vfork futex futex_requeue futex_time64 futex_wait futex_waitv "
        "futex_wake "
        "get_robust_list set_robust_list get_thread_area set_thread_area set_tid_address getcpu getpgid "
        "getpgrp getpid "
        "getppid gettid getsid setsid setpgid getpriority setpriority getrlimit setrlimit ugetrlimit "
        "prlimit64 "
        "getrusage ioprio_get ioprio_set kill tkill tgkill pause pidfd_open pidfd_send_signal prctl rseq "
        "seccomp "
        "sysinfo times uname uretprobe wait4 waitid waitpid",
        NULL, NULL},
    {"credentials: what may be gained is for capabilities, set-user-ID and no_new_privs to say",
        "capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid "
        "getresgid32 "
        "getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 "
        "setgroups "
        "setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 "
        "setuid "
        "setuid32 landlock_add_rule landlock_create_ruleset landlock_restrict_self",
        NULL, NULL},
    {"signals",
        "alarm restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
        "rt_sigsuspend "
        "rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn",
        NULL, NULL},
    {"time; setting the clock asks for CAP_SYS_TIME, which the container lacks",
        "adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
        "clock_gettime64 "
        "clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create "
        "timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 "
        "timerfd_create "
        "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
        NULL, NULL},
    {"scheduling",
        "sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min "
        "sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity "
        "sched_setattr "
        "sched_setparam sched_setscheduler sched_yield",
        NULL, NULL},
    {"random numbers", "getrandom", NULL, NULL},
    {"sockets",
        "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg "
        "recvmmsg_time64 "
        "recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair",
        NULL, NULL},
    {"address families below AF_ALG", "socket", NULL, "0 < 38"},
    {"AF_NFC; AF_ALG (38) and AF_VSOCK (40) reach kernel code and other machines that a container has no "
     "business with",
        "socket", NULL, "0 == 39"},
    {"address families above AF_VSOCK", "socket", NULL, "0 > 40"},
    {"System V and POSIX queues, semaphores and shared memory",
        "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
        "mq_timedsend_time64 "
        "mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl "
        "shmdt "
        "shmget",
        NULL, NULL},
    {"personality: PER_LINUX", "personality", NULL, "0 == 0"},
    {"personality: PER_LINUX32", "personality", NULL, "0 == 8"},
    {"personality: UNAME26", "personality", NULL, "0 == 131072"},
    {"personality: PER_LINUX32 with UNAME26", "personality", NULL, "0 == 131080"},
    {"personality: only asking", "personality", NULL, "0 == 4294967295"},
    {"tracing one's own children, as debuggers in builds do", "ptrace process_vm_readv process_vm_writev",
        NULL, NULL},
    {"changing the root folder, which asks for CAP_SYS_CHROOT", "chroot", NULL, NULL},
    {"thread-local storage and segments of 64 and 32 bit x86", "arch_prctl modify_ldt", "amd64 x32 x86",
        NULL},
    {"what 32 bit ARM programs call",
        "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls", "arm arm64",
        NULL},
    {"what ppc64le programs call", "sync_file_range2 swapcontext", "ppc64le", NULL},
    {"what s390x programs call", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr", "s390 s390x",
        NULL},
    {"what riscv64 programs call", "riscv_flush_icache riscv_hwprobe", "riscv64", NULL},
};

/* What any engine needs beyond that. Each of them is checked by the kernel against the caller's user
 * namespace. */
static const struct rule engine[] = {
    {"beyond the usual: namespaces for nested containers (runc, and rootlesskit for its own)",
        "clone clone3 unshare setns", NULL, NULL},
    {"beyond the usual: the file system of a nested container; open_tree and move_mount are what mount(8) "
     "uses now, and "
     "it takes EPERM, unlike ENOSYS, for an answer",
        "mount umount umount2 pivot_root open_tree move_mount", NULL, NULL},
    {"beyond the usual: runc gives each container a session keyring of its own", "keyctl", NULL, NULL},
    {"beyond the usual: the host name of a nested container", "sethostname setdomainname", NULL, NULL},
};

/* What only a rootful engine needs, or its nested privileged containers use: it has the capabilities for
 * them. */
static const struct rule rootful[] = {
    {"beyond the usual: the device filter of each nested container's cgroup is a BPF program", "bpf", NULL,
        NULL},
    {"beyond the usual: the newer mount interface, id-mapped mounts among it",
        "fsconfig fsmount fsopen fspick mount_setattr", NULL, NULL},
    {"beyond the usual: what CAP_SYS_ADMIN and CAP_SYS_PTRACE allow a nested privileged container",
        "fanotify_init kcmp lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr "
        "perf_event_open "
        "pidfd_getfd process_madvise quotactl quotactl_fd syslog",
        NULL, NULL},
};

bool seccomp_profile_named(const char *name, enum seccomp_profile *out)
{
    static const char *const names[] = {[SECCOMP_ROOTFUL] = "rootful", [SECCOMP_ROOTLESS] = "rootless"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum seccomp_profile)i;
            return true;
        }
    return false;
}

static json_t *words(const char *list)
{
    cleanup_strings struct strings items = {0};
    json_t *array = json_array();

    strings_split(&items, list, " ");
    for (size_t i = 0; i < items.count; i++)
        (void)json_array_append_new(array, json_string(items.items[i]));
    return array;
}

/* "0 < 38" */
static json_t *condition(const char *argument)
{
    cleanup_strings struct strings parts = {0};

    strings_split(&parts, argument, " ");
    const char *comparison = parts.items[1];
    return json_pack("[{s:I, s:I, s:s}]", "index", (json_int_t)strtoull(parts.items[0], NULL, 10), "value",
        (json_int_t)strtoull(parts.items[2], NULL, 10), "op",
        *comparison == '<'   ? "SCMP_CMP_LT"
        : *comparison == '>' ? "SCMP_CMP_GT"
                             : "SCMP_CMP_EQ");
}

static void add_rules(json_t *syscalls, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *rule = json_pack("{s:o, s:s, s:s}", "names", words(rules[i].names), "action",
            "SCMP_ACT_ALLOW", "comment", rules[i].comment);
        if (rules[i].argument)
            (void)json_object_set_new(rule, "args", condition(rules[i].argument));
        if (rules[i].arches)
            (void)json_object_set_new(rule, "includes", json_pack("{s:o}", "arches", words(rules[i].arches)));
        (void)json_array_append_new(syscalls, rule);
    }
}

static json_t *architectures(void)
{
    static const char *const map[][2] = {
        {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86 SCMP_ARCH_X32"},
        {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"},
        {"SCMP_ARCH_PPC64LE", ""},
        {"SCMP_ARCH_RISCV64", ""},
        {"SCMP_ARCH_S390X", "SCMP_ARCH_S390"},
    };
    json_t *array = json_array();

    for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++)
        (void)json_array_append_new(
            array, json_pack("{s:s, s:o}", "architecture", map[i][0], "subArchitectures", words(map[i][1])));
    return array;
}

void seccomp_print(enum seccomp_profile profile, struct text *out)
{
    json_t *syscalls = json_array();

    add_rules(syscalls, usual, sizeof(usual) / sizeof(*usual));
    add_rules(syscalls, engine, sizeof(engine) / sizeof(*engine));
    if (profile == SECCOMP_ROOTFUL)
        add_rules(syscalls, rootful, sizeof(rootful) / sizeof(*rootful));
    json_t *root = json_pack("{s:s, s:i, s:o, s:o}", "defaultAction", "SCMP_ACT_ERRNO", "defaultErrnoRet", 1,
        "archMap", architectures(), "syscalls", syscalls);
    char *text cleanup_free = json_dumps(root, JSON_INDENT(2));
    text_addf(out, "%s\n", text ? text : "{}");
    json_decref(root);
}
