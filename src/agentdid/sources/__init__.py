"""Where the outside is asked: guarded HTTPS, freshness, single flight."""
