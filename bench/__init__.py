"""Measures what trayd costs, from outside, side by side with what it can be compared with."""
