"""What is on disk: profiles, the choice of the active one, and being told when either changes."""
