# Hashes, lists, sorting and regular expressions over made-up words. Argument: how many words.
use strict;
use warnings;

my ($count, $total, %index) = ($ARGV[0], 0);
for my $i (0 .. $count - 1) {
    my $word = "word" . $i * 7919 % 100003;
    my $entry = { at => $i, text => $word x 2, parts => [split //, $word] };
    push @{ $index{ substr $word, 0, 7 } }, $entry;
}
for my $key (sort keys %index) {
    my @sorted = sort { $a->{text} cmp $b->{text} } @{ $index{$key} };
    my $text = join ",", map { "$_->{text}:" . join "", reverse @{ $_->{parts} } } @sorted;
    $total += length($text) + (() = $text =~ /1\d+w/g);
}
print "$total\n";
