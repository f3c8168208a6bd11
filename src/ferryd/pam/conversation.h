/* One deed of PAM's, in a process that does nothing else: its modules may do what they like there,
 * block, fail, leak. */
#ifndef FERRY_FERRYD_PAM_CONVERSATION_H
#define FERRY_FERRYD_PAM_CONVERSATION_H

#include "ferryd/pam_wire.h"

/* Does what is asked; blocks for as long as the modules do. */
void conversation_hold(const struct pam_ask *ask, struct pam_answer *out);

/* The main of that process: takes one ask from descriptor 3, and answers it. Returns the exit
 * status: 0 if the answer is yes. */
int conversation_main(void);

#endif
