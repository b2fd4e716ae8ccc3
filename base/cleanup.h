/* Cleanup attributes: what a scope owns is released when the scope ends; take() hands it over. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

static inline void cleanup_free_(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_close_(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void cleanup_fclose_(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

static inline void cleanup_closedir_(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

#define cleanup_free cleanup(cleanup_free_)
#define cleanup_close cleanup(cleanup_close_)
#define cleanup_fclose cleanup(cleanup_fclose_)
#define cleanup_closedir cleanup(cleanup_closedir_)

/* The descriptor, and -1 left behind: ownership goes to the caller. */
static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* The pointer, and NULL left behind: ownership goes to the caller. */
#define take(pointer)                                                                                        \
    __extension__({                                                                                          \
        __typeof__(pointer) taken_ = (pointer);                                                              \
        (pointer) = NULL;                                                                                    \
        taken_;                                                                                              \
    })
