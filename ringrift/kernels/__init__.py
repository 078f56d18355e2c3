"""The base of compiled code: compiling and its cache, threads, counter-based random numbers."""
