"""What compiled code needs: compiling and its cache, threads, counter-based random numbers."""
