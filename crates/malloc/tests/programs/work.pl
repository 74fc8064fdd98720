# Hashes, regular expressions, closures, sorting and strings.
use strict;
use warnings;

my $rounds = shift;
for my $round (1 .. $rounds) {
    my %table;
    for my $i (1 .. 50_000) {
        my $key = "key" . ($i * 7919 % 10007);
        push @{ $table{$key}{list} }, $i;
        $table{$key}{text} .= "value $i ";
    }
    my ($longest) = sort { length $table{$b}{text} <=> length $table{$a}{text} || $a cmp $b } keys %table;
    print "$round ", scalar(keys %table), " $longest $table{$longest}{text}\n";
    delete @table{ grep { /[13579]$/ } keys %table };
    print join(",", (sort keys %table)[0 .. 20]), "\n";

    my $text = join " ", map { sprintf "%05d:%s", $_, "x" x ($_ % 40) } 1 .. 5_000;
    my $count = () = $text =~ /\b(\d+):(x{10,20})\b/g;
    (my $changed = $text) =~ s/(\d+):(x*)/length($2) . "*" . ($1 + 0)/ge;
    print "$count ", substr($changed, -60), "\n";

    my @closures = map { my $n = $_; sub { $n += shift } } 1 .. 2_000;
    my $sum = 0;
    $sum += $_->(3) for @closures, @closures;
    my @fields = map { [split /,/] } map { join ",", reverse 1 .. $_ % 30 + 1 } 1 .. 3_000;
    print "$sum ", scalar(map { @$_ } @fields), "\n";

    my $big = "";
    $big .= pack("N", $_) for 1 .. 100_000;
    print unpack("%32C*", $big), " ", length $big, "\n";
}
