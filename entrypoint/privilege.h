/* What the rootful engine needs and this container has not got, told once, fully, with the flags that mend
 * it. Pure. */
#pragma once

#include "base/err.h"
#include "entrypoint/host.h"

/*
 * Returns 0 when a rootful engine can work here, else -EPERM with *e (status EXIT_PRIVILEGE): every missing
 * privilege, why it is needed, and what to add to `docker run`, Compose and Kubernetes.
 */
int privilege_check_rootful(const struct host *host, struct err *e);

/* What works without being complete: one sentence each, for warnings. */
void privilege_notes_rootful(const struct host *host, struct strings *notes);
