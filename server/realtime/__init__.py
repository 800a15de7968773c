"""WebSocket connections: endpoint, reader, topics, notices, and the tickers."""
