"""Below ASGI: the configuration of uvicorn, the HTTP and WebSocket transports, their limits."""
