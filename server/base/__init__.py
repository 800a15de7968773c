"""No domain: time, deadlines, ids, the stream of events, limits."""
