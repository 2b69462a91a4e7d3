# The matrix's program for Perl's HTTP::Daemon, a child for each connection: daemon.pl PORT
use strict;
use warnings;
use HTTP::Daemon;
use HTTP::Response;

my %sizes = (good => 612, nodes => 612, files => 612, big => 3_000_000);

sub answer {
    my ($request) = @_;
    my $first = (split m{/}, $request->uri->path)[1] // '';
    my $response = HTTP::Response->new(200, undef, undef, 'x' x ($sizes{$first} // 5));
    if    ($first eq 'post')   { $response->content(length($request->content) . "\n") }
    elsif ($first eq 'old')    { $response->code(301); $response->header(Location => '/') }
    elsif ($first eq 'broken') { $response->code(500) }
    elsif ($first eq 'nap')    { select undef, undef, undef, 0.021 }
    elsif (!$sizes{$first})    { $response->code(404) }
    $response->content_length(length $response->content);
    return $response;
}

sub serve {
    my ($client) = @_;
    while (my $request = $client->get_request) {
        my $response = answer($request);
        $response->content('') if $request->method eq 'HEAD';
        $client->send_response($response);
    }
    $client->close;
}

$SIG{CHLD} = 'IGNORE';
$SIG{TERM} = sub { exit 0 };
my $daemon = HTTP::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], ReuseAddr => 1, Listen => 64) or die "$!";
while (1) {
    my $client = $daemon->accept or next;
    defined(my $pid = fork) or die "fork: $!";
    if ($pid == 0) {
        $daemon->close;
        serve($client);
        exit 0;
    }
    close $client;
}
