# Sends a file with Net::FTP, lists it and fetches it again.
# Arguments: port explicit|implicit passive|active CA user password SOURCE REMOTE BACK
use strict;
use warnings;
use Net::FTP;

my ($port, $mode, $data, $ca, $user, $password, $source, $remote, $back) = @ARGV;
my $implicit = $mode eq "implicit";
my $ftp = Net::FTP->new("127.0.0.1", Port => $port, Timeout => 20, Debug => 1,
    Passive => $data eq "passive", SSL => $implicit, SSL_ca_file => $ca,
    SSL_verifycn_name => "localhost")
    or die "connect: $@\n";

sub need {
    my ($what, $done) = @_;
    return $done if $done;
    die "$what: " . $ftp->code . " " . $ftp->message . "\n";
}

need("AUTH TLS", $ftp->starttls) if !$implicit;
need("login", $ftp->login($user, $password));
need("PROT P", $ftp->prot("P"));
need("binary", $ftp->binary);
need("put", $ftp->put($source, $remote));
need("the name in ls", scalar grep { $_ eq $remote } $ftp->ls);
need("dir", scalar $ftp->dir);
need("the right size", $ftp->size($remote) == -s $source);
need("get", $ftp->get($remote, $back));
need("quit", $ftp->quit);
