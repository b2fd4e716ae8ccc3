/* The two faces of the binary. */
#pragma once

/* The ENTRYPOINT: arguments as in execve(2), [0] included. Returns the exit status, or does not return. */
int entrypoint_main(const char *const *arguments, const char *const *environment);

/* dindctl: explains and checks. Returns the exit status. */
int dindctl_main(const char *const *arguments, const char *const *environment);
