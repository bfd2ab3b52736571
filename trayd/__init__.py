"""trayd: which Docker engine am I talking to, does it answer, and if not, why?"""

__version__ = "0.1.0"
