#!/usr/bin/perl
# Perl's Mail::IMAPClient as a client of the lab: client_perl.pl JOB.json (see clients.py).
use strict;
use warnings;
use JSON::PP;
use Mail::IMAPClient;
open my $in, '<', $ARGV[0] or die $!;
my $job = decode_json(join '', <$in>);
my @tls = (SSL_ca_file => $job->{ca}, SSL_verify_mode => 1, SSL_verifycn_name => $job->{host}, SSL_hostname => $job->{host});
my %how = (Server => $job->{host}, Port => $job->{port}, Timeout => $job->{seconds}, Reconnectretry => 0, Uid => 0);
$how{Ssl} = \@tls if $job->{tls} eq 'implicit';
$how{Starttls} = \@tls if $job->{tls} eq 'starttls';
my $imap = Mail::IMAPClient->new(%how) or die "connect: $@";
my ($in_, $tries) = (0, 0);
for my $password (@{$job->{passwords}}) {
	sleep($job->{pause} // 1) if $tries++;
	$imap->Authmechanism($job->{mechanism}) if $job->{mechanism};
	$imap->User($job->{user});
	$imap->Password($password);
	if ($imap->login) { $in_ = 1; last }
	print "refused: ", $imap->LastError // '', "\n";
}
if ($in_ && $job->{op} ne 'check') {
	$imap->folders;
	$imap->select('INBOX');
	my @found = $imap->search('ALL');
	@found = @found[0 .. 19] if @found > 20;
	$imap->message_string($_) for @found;
	if ($job->{op} eq 'idle') { my $tag = $imap->idle; sleep($job->{idle} // 4); $imap->done($tag) }
}
$imap->logout unless ($job->{end} // '') eq 'close';
exit($in_ ? 0 : 1);
