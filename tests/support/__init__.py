"""What tests share: a clock moved by hand, and a real server in the test's own loop."""
