"""Neural networks of your own recordings: train, listen, judge, recombine."""
