/* The plan for people and for machines, secrets masked (base/redact.h). Pure. */
#pragma once

#include "entrypoint/prepare.h"

/* Phases, numbered steps with reasons, notes, and the command line that would be executed. */
void show_plan(const struct prepared *p, const char *const *environment, struct text *out);

/* The same as JSON. */
void show_plan_json(const struct prepared *p, const char *const *environment, struct text *out);
