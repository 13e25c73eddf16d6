"""The HTTP API and its sockets: structs in, one service call, structs out."""
