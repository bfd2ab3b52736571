"""The measurements, one module each; `ITEMS` in bench.__main__ gives them their names."""
