"""The fault matrix: what is shown for every fault, over every transport."""
