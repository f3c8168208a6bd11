/* TYPE A on its way through a pump (FTP-42): pump filters over ftp/ascii. */
#ifndef FERRY_SERVER_ASCII_H
#define FERRY_SERVER_ASCII_H

#include "net/pump.h"

/* The context is a struct ascii, zeroed at the beginning of the file. Errors as buf_append. */
pump_filter_fn server_ascii_to_wire;
pump_filter_fn server_ascii_from_wire;

#endif
