"""A process that keeps one text on the clipboard until somebody else copies, as xclip does where it is installed.

`trayd menu` copies and ends; without a clipboard manager, and without a program like xclip, its text would end with it.
"""

from __future__ import annotations

import os
import sys
import threading

from trayd.desktop import clipboard
from trayd.desktop.clipboard_owner import Owner


def main() -> int:
    """Take the text from standard input, own it, say so by closing standard output, and stay as long as it is ours."""
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    try:
        clipboard.copy(text)
    except clipboard.ClipboardError:
        return 1
    os.close(1)
    for owner in [thread for thread in threading.enumerate() if isinstance(thread, Owner)]:
        owner.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
