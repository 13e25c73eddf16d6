"""The ports of a single process: the embedded default, with the same names as `redis`."""
