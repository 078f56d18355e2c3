"""The benchmarks of `ringrift bench`; speed is measured here and never asserted in tests."""
