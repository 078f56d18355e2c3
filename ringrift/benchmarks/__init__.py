"""What `ringrift bench` measures. Speed is measured here and never asserted in tests."""
