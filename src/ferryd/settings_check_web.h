/* What of the operator's page contradicts itself. */
#ifndef FERRY_FERRYD_SETTINGS_CHECK_WEB_H
#define FERRY_FERRYD_SETTINGS_CHECK_WEB_H

#include "conf/read.h"

/* Notes it as mistakes of `conf`. */
void settings_check_web(struct conf *conf);

#endif
