/*
 * The second stage of a rootless start. rootlesskit makes the namespaces and starts this binary in them, as
 * their root; it puts right what the engine expects there and becomes dockerd. What and why: moby
 * contrib/dockerd-rootless.sh, the part for its child.
 */
#pragma once

/* Runs the second stage: arguments as in execve(2), [0] included. Returns the exit status of a failure. */
int rootless_child_main(const char *const *arguments, const char *const *environment);
