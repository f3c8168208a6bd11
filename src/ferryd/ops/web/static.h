/* The files of static/, made part of the program by scripts/embed. */
#ifndef FERRY_FERRYD_OPS_WEB_STATIC_H
#define FERRY_FERRYD_OPS_WEB_STATIC_H

#include "base/bytes.h"

extern const struct bytes embedded_style_css, embedded_live_js, embedded_icon_svg;

#endif
