"""What a run costs, as counts and ratios: `make bench`."""
