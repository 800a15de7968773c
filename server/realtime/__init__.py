"""The WebSocket edge: frames, close codes, connections, topics, and the one sleeper."""
