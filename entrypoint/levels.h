/* What works at which level of privilege. The rows are what tests/e2e/test_levels.py has measured, and it
 * fails where they are not. */
#pragma once

#include "base/text.h"

/* The table as docs/privileges.md shows it, and the same for machines. */
void levels_show(struct text *out);
void levels_show_json(struct text *out);
