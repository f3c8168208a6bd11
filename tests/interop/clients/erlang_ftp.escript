#!/usr/bin/env escript
%% Sends a file with Erlang's ftp, lists it and fetches it again.
%% Arguments: port explicit|implicit CA user password SOURCE REMOTE BACK

main([Port, Mode, Ca, User, Password, Source, Remote, Back]) ->
    {ok, _} = application:ensure_all_started(ftp),
    Tls = [{cacertfile, Ca}, {verify, verify_peer}, {server_name_indication, "localhost"},
           {reuse_sessions, true}],
    {ok, Ftp} = ftp:open("127.0.0.1", [{port, list_to_integer(Port)}, {timeout, 20000},
                                       {mode, passive}, {verbose, true},
                                       {tls, Tls}, {tls_sec_method, method(Mode)}]),
    ok = ftp:user(Ftp, User, Password),
    ok = ftp:type(Ftp, binary),
    ok = ftp:send(Ftp, Source, Remote),
    {ok, Names} = ftp:nlist(Ftp),
    true = lists:member(Remote, string:lexemes(Names, [$\r, $\n, "\r\n"])),
    {ok, Listing} = ftp:ls(Ftp),
    true = string:find(Listing, Remote) =/= nomatch,
    ok = ftp:recv(Ftp, Remote, Back),
    ok = ftp:close(Ftp).

method("explicit") -> ftpes;
method("implicit") -> ftps.
