/* Who acts. A start as root that ends as an ordinary user does some things as that user beforehand: in
 * folders where root must not follow what the user has put there, or where it lacks the capability to give
 * files away. */
#pragma once

#include "base/err.h"
#include "entrypoint/apply.h"
#include "entrypoint/host.h"

/*
 * Becomes the user in everything that permissions are checked against: effective uid and gid, no
 * supplementary groups, no effective capability (credentials(7), capabilities(7) "Effect of user ID
 * changes"). The real and saved ids stay root's, for identity_return. 0, or a negative errno with *e and
 * the ids as they were. The supplementary groups are gone for good in either case.
 */
int identity_borrow(const struct host_user *user, struct err *e);

/* The same for a try: true if root acts as the user whom it becomes, until identity_return; false, and
 * nothing to return from, where it becomes nobody else or may not. */
bool identity_borrow_if_root(const struct host *host);

/* Root again, without supplementary groups. Ends the process if that fails: nothing may go on under a
 * half-changed identity. */
void identity_return(void);

/*
 * Becomes the user for good: no supplementary groups, then gid, then uid, each real, effective and saved;
 * read back, and regaining tried. The kernel clears permitted, effective and ambient capabilities with the
 * last root uid. 0, or a negative errno with *e.
 */
int step_identity(const struct host_user *user, struct outcome *outcome, struct err *e);
