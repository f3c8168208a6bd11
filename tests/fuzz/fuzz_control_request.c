/* ferryd/ops/control_request: any bytes as a request. What is taken is within its bounds. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "ferryd/ops/control_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_request request;
    struct fault fault = {0};
    if (control_request_parse(bytes_of(data, size), &request, &fault) != FERRY_OK) {
        must(fault_is_set(&fault) && fault.what[0]);
        return 0;
    }
    must((unsigned)request.word < CONTROL_WORDS);
    must(memchr(request.target, '\0', sizeof(request.target)) != NULL);
    must(request.target[0] || (request.word != CONTROL_KICK && request.word != CONTROL_BAN &&
                               request.word != CONTROL_UNBAN));
    must(request.word != CONTROL_BAN || request.seconds > 0);
    return 0;
}
