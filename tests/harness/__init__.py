"""What the tests stand on: real engines, throw-away certificates, bad servers, and how to wait for them."""
