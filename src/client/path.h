/* Paths joined, local and remote ones alike. */
#ifndef FERRY_CLIENT_PATH_H
#define FERRY_CLIENT_PATH_H

/* "dir/name" as a string of its own, freed with alloc_free; "name" if `dir` is empty, `dir` if
 * `name` is, and no second '/' where `dir` ends with one. NULL if memory is short. */
char *client_path_join(const char *dir, const char *name);

#endif
