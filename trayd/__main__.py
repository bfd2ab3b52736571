"""`python -m trayd`."""

import sys

from trayd.cli import main

sys.exit(main())
