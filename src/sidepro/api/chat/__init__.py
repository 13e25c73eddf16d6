"""The chat socket: handshake, session, frames and the hub."""
