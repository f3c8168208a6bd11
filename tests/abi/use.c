/* The first program against an installed Ferry. */
#include <stdio.h>

#include <ferry/ferry.h>
#include <ferry/server.h>
#include <ferry/version.h>

int main(void)
{
    ferry_session *session = ferry_session_new();
    ferry_server *server = ferry_server_new();
    if (session && server)
        printf("%s %s\n", FERRY_VERSION, ferry_error_name(FERRY_E_NOT_FOUND));
    ferry_server_free(server);
    ferry_session_free(session);
    return 0;
}
