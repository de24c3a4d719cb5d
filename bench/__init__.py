"""Speed as ratios: each row beside its floor, interleaved in the same run."""
