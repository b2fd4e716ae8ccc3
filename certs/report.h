/* What is said of a look: a summary, and what the user should know. */
#pragma once

#include "certs.h"
#include "look.h"

/* "issued server (it lacked DNS:x), kept CA and client", or what would be done in a preview. The caller frees
 * it. */
char *report_summary(const struct look *look, const struct certs_request *request, bool preview);

/* Appends what the user should know, a sentence each. */
void report_notes(struct strings *notes, const struct store *store, const struct look *look,
    const struct certs_request *request);

/*
 * ca/.clients: who had a certificate the last time, a line "NAME FOLDER" each. By it a client that is no
 * longer asked for is told of, and only once.
 */
void report_record(const struct certs_request *request, struct text *record);

/* True if it must be written. */
bool report_record_is_due(const struct look *look, const struct certs_request *request);

/* The file of a refusal and what is wrong with it. The caller frees it. */
char *report_refusal(const struct store *store, const struct decide_answer *refusal);
