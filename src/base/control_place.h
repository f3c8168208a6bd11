/* Where ferryctl finds a server, unless its configuration says otherwise. */
#ifndef FERRY_BASE_CONTROL_PLACE_H
#define FERRY_BASE_CONTROL_PLACE_H

/* Of a server that root started; and, of another, beside its configuration. */
#define CONTROL_DEFAULT "/run/ferryd/control"
#define CONTROL_NAME "ferryd.control"

#endif
