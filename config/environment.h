/* The environment as a source of settings: DIND_ names, the old names, and Kubernetes' noise. */
#pragma once

#include "base/environment.h"
#include "base/err.h"
#include "config/settings.h"

/* What the official images set (DOCKER_TLS_CERTDIR=/certs): weaker than the file, so it is applied before. */
int environment_apply_image(const char *const *environment, struct settings *settings, struct err *e);

/* Old names, then DIND_ names over them; odd things go to settings->warnings. As config_load on errors. */
int environment_apply(const char *const *environment, struct settings *settings, struct err *e);
