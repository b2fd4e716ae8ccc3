/* ready.file: there while the engine is. */
#pragma once

#include "base/err.h"

/* Writes it, whole and readable for everybody. No part of its path may be a symbolic link: others may write
 * to the folders that it is shared in. 0, or a negative errno with *e. */
int ready_file_write(const char *path, struct err *e);

/* Removes it. 0 also when it is not there, and *was (may be NULL) says so; else a negative errno with *e. */
int ready_file_remove(const char *path, bool *was, struct err *e);
