/* Checks of single strings that the option table names. Each is an option_check: NULL when good, else what is
 * wrong. */
#pragma once

#include <stdbool.h>

/* No control characters, not empty. */
const char *check_plain_text(const char *text, char **canonical);

/* Absolute, no control characters, at most PATH_MAX - 1 bytes. */
const char *check_path(const char *text, char **canonical);
const char *check_path_or_empty(const char *text, char **canonical);

/* As check_path, and fits sockaddr_un (unix(7)): at most 107 bytes. */
const char *check_socket_path(const char *text, char **canonical);

/* The mode of a socket: octal, no more than 0777; canonical: four digits. */
const char *check_socket_mode(const char *text, char **canonical);

/* The name of a network interface, as the kernel allows it (net/core/dev.c, dev_valid_name). */
const char *check_interface(const char *text, char **canonical);

/* A group's name as group(5) allows it, or a number. */
const char *check_group(const char *text, char **canonical);

/* A user's name as passwd(5) allows it, or a number. */
const char *check_user(const char *text, char **canonical);

/* A folder that somebody is given: as check_path, not / itself, without "..". */
const char *check_folder(const char *text, char **canonical);

/* "/", and what leads nowhere else: "/./..". */
bool check_is_root(const char *path);

/* A common name that is also the name of a folder: letters, digits, '.', '_' and '-', which is not the first,
 * nor is '.'; at most 64 bytes, which is ub-common-name of RFC 5280. */
const char *check_client_name(const char *text, char **canonical);

/* The mode of a private key: octal, readable for its owner, writable for nobody else, executable for nobody;
 * canonical: four digits. */
const char *check_key_mode(const char *text, char **canonical);

/* auto, or a name of a storage driver or snapshotter: lower-case letters, digits, '-', '_' and '.'. */
const char *check_storage_driver(const char *text, char **canonical);

/* An IPv4 or IPv6 literal (inet_pton(3)); canonical: as inet_ntop(3) has it. */
const char *check_address(const char *text, char **canonical);

/* Whom packets come from: an IP address, one with a prefix ("10.0.0.0/8", "2001:db8::/32"), or a host's name
 * (RFC 1123, and underscores). */
const char *check_source(const char *text, char **canonical);

/* A capability's name (capabilities(7)), in any case, with or without CAP_; canonical: upper case without. */
const char *check_capability(const char *text, char **canonical);

/* The capability's name with this number, or NULL. */
const char *capability_name(unsigned number);

/* Control characters (C0, DEL) in it. */
bool has_control(const char *text);
