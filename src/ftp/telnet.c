/* Telnet inside the control connection. */
#include "ftp/telnet.h"

#include <stdbool.h>

/* RFC 854; EOR and ABORT are RFC 885's and RFC 1184's. */
enum {
    CODE_ABORT = 238,
    CODE_EOR = 239,
    CODE_SE = 240,
    CODE_GA = 249,
    CODE_SB = 250,
    CODE_WILL = 251,
    CODE_WONT = 252,
    CODE_DO = 253,
    CODE_DONT = 254,
    CODE_IAC = 255,
};

static const char iac = (char)CODE_IAC;

static enum ferry_error refuse_option(struct telnet *telnet, unsigned char option,
                                      struct buf *answers)
{
    if (!answers || telnet->answers == TELNET_MAX_ANSWERS)
        return FERRY_OK;
    telnet->answers++;
    bool offered = telnet->request == CODE_WILL || telnet->request == CODE_WONT;
    const char answer[] = {iac, (char)(offered ? CODE_DONT : CODE_WONT), (char)option};
    return buf_append(answers, bytes_of(answer, sizeof(answer)));
}

/* The byte behind an IAC. */
static void take_command(struct telnet *telnet, unsigned char code, char data[2], size_t *len)
{
    telnet->state = TELNET_DATA;
    if (code >= CODE_WILL && code <= CODE_DONT) {
        telnet->state = TELNET_OPTION;
        telnet->request = code;
    } else if (code == CODE_SB) {
        telnet->state = TELNET_SUBNEGOTIATION;
        telnet->subnegotiation_bytes = 0;
    } else if (code == CODE_IAC) {
        data[(*len)++] = iac;
    } else if (code < CODE_ABORT) {
        data[(*len)++] = iac;
        data[(*len)++] = (char)code;
    }
}

enum ferry_error telnet_decode(struct telnet *telnet, char in, char data[2], size_t *len,
                               struct buf *answers)
{
    unsigned char code = (unsigned char)in;
    *len = 0;
    switch (telnet->state) {
    case TELNET_DATA:
        if (code == CODE_IAC)
            telnet->state = TELNET_IAC;
        else
            data[(*len)++] = in;
        return FERRY_OK;
    case TELNET_IAC:
        take_command(telnet, code, data, len);
        return FERRY_OK;
    case TELNET_OPTION:
        telnet->state = TELNET_DATA;
        return refuse_option(telnet, code, answers);
    case TELNET_SUBNEGOTIATION:
        if (code == CODE_IAC)
            telnet->state = TELNET_SUBNEGOTIATION_IAC;
        break;
    case TELNET_SUBNEGOTIATION_IAC:
        telnet->state = code == CODE_SE ? TELNET_DATA : TELNET_SUBNEGOTIATION;
        break;
    }
    return ++telnet->subnegotiation_bytes > TELNET_MAX_SUBNEGOTIATION_BYTES ? FERRY_E_PROTOCOL
                                                                            : FERRY_OK;
}

char *telnet_encode(char *out, struct bytes data)
{
    for (size_t i = 0; i < data.len; i++) {
        *out++ = data.ptr[i];
        if (data.ptr[i] == iac)
            *out++ = iac;
        else if (data.ptr[i] == '\r')
            *out++ = '\0';
    }
    return out;
}
