/* A failed system call of this room, told in the words of the virtual path. */
#ifndef FERRY_STORE_FAIL_H
#define FERRY_STORE_FAIL_H

#include "base/fault.h"

/* Records that `deed` ("read", "remove directory") on the virtual path `path` failed with errno,
 * and returns the kind. Every function of this room that takes a path tells its failures this way:
 *
 *   FERRY_E_NOT_FOUND  there is no such thing
 *   FERRY_E_EXISTS     there is one by that name already
 *   FERRY_E_DENIED     no right to it, or it is not of the kind the deed needs: a directory to be
 *                      read, a directory that is not empty, a link that must not be followed or
 *                      that leads out of the root, a reserved name
 *   FERRY_E_SPACE      the disk is full or a quota used up
 *   FERRY_E_LIMIT      the path or a name in it is too long
 *   FERRY_E_ARGUMENT   the path is not absolute and normalised: the caller's bug, or worse
 *   FERRY_E_MEMORY     memory is short
 *   FERRY_E_FILE       anything else, an I/O error first of all: it may work later
 *
 * No text holds a path of the host's. */
enum ferry_error fail_errno(struct fault *fault, const char *deed, struct bytes path);

#endif
