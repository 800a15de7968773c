"""Code without domain: time, deadlines, ids, streams of events, limits."""
