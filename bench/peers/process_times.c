// Times whole processes, turn by turn: from before the process is made until it has ended.
// usage: process_times ROUNDS PROGRAM ARGUMENT.. [-- PROGRAM ARGUMENT..]..
// For each command one line: median ns, minimum ns, largest peak of resident memory in kB (getrusage). Standard output of the commands is
// dropped. One further round at the start is not counted: it brings the files into memory.
// A C program, because a process inherits the peak of the one that makes it: this one's is small.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char** environ;

enum { MAX_COMMANDS = 64 };

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int ascending(const void* a, const void* b) {
    int64_t x = *(const int64_t*)a, y = *(const int64_t*)b;
    return (x > y) - (x < y);
}

int main(int argc, char** argv) {
    char** commands[MAX_COMMANDS];
    long peaks[MAX_COMMANDS] = {0};
    int n = 0, rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1) {
        fprintf(stderr, "usage: process_times ROUNDS PROGRAM ARGUMENT.. [-- PROGRAM ARGUMENT..]..\n");
        return 2;
    }
    commands[n++] = argv + 2;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--") != 0) continue;
        argv[i] = NULL;
        if (n == MAX_COMMANDS || i + 1 == argc) {
            fprintf(stderr, "process_times: at most %d commands, none empty\n", MAX_COMMANDS);
            return 2;
        }
        commands[n++] = argv + i + 1;
    }
    int64_t* times = malloc(sizeof *times * (size_t)n * (size_t)rounds);
    posix_spawn_file_actions_t quiet;
    if (!times || posix_spawn_file_actions_init(&quiet) || posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0)) return 2;
    for (int r = -1; r < rounds; r++) {
        for (int c = 0; c < n; c++) {
            pid_t pid;
            int status;
            struct rusage usage;
            int64_t start = now_ns();
            int failure = posix_spawnp(&pid, commands[c][0], &quiet, NULL, commands[c], environ);
            if (failure) {
                fprintf(stderr, "process_times: %s: %s\n", commands[c][0], strerror(failure));
                return 1;
            }
            if (wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                fprintf(stderr, "process_times: %s failed\n", commands[c][0]);
                return 1;
            }
            if (r < 0) continue;
            times[c * rounds + r] = now_ns() - start;
            if (usage.ru_maxrss > peaks[c]) peaks[c] = usage.ru_maxrss;
        }
    }
    for (int c = 0; c < n; c++) {
        int64_t* t = times + c * rounds;
        qsort(t, (size_t)rounds, sizeof *t, ascending);
        printf("%lld %lld %ld\n", (long long)t[rounds / 2], (long long)t[0], peaks[c]);
    }
    return 0;
}
