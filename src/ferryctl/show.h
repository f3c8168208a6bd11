/* Accounts for people and for programs. Of passwords it is told only whether there is one. */
#ifndef FERRY_FERRYCTL_SHOW_H
#define FERRY_FERRYCTL_SHOW_H

#include <jansson.h>

#include "account/account.h"

/* All of an account, a line each. */
void show_account(const struct account *account);

/* One line of a list. */
void show_line(const struct account *account);

/* NULL: no memory. */
json_t *show_json(const struct account *account);

/* Prints it and frees it; NULL: says that memory is short. Returns the exit status. */
int show_print_json(json_t *json);

#endif
