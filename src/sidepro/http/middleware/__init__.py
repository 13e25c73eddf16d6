"""The ASGI middleware around the application, with the parts that it is made of."""
