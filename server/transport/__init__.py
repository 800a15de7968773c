"""Below ASGI: uvicorn set up, the HTTP and WebSocket transports, their limits."""
