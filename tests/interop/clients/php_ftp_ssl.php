<?php
// Sends a file with ftp_ssl_connect, lists it and fetches it again.
// Arguments: port user password SOURCE REMOTE BACK
[, $port, $user, $password, $source, $remote, $back] = $argv;

function need($what, $result)
{
    if (!$result) {
        fwrite(STDERR, "$what failed\n");
        exit(1);
    }
    return $result;
}

$ftp = need("connect", ftp_ssl_connect("localhost", (int)$port, 20));
need("login", ftp_login($ftp, $user, $password));
need("pasv", ftp_pasv($ftp, true));
need("put", ftp_put($ftp, $remote, $source, FTP_BINARY));
need("the name in nlist", in_array($remote, array_map("basename", need("nlist", ftp_nlist($ftp, ".")))));
need("mlsd", ftp_mlsd($ftp, "."));
need("the right size", ftp_size($ftp, $remote) === filesize($source));
need("get", ftp_get($ftp, $back, $remote, FTP_BINARY));
need("close", ftp_close($ftp));
