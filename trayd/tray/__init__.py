"""Everything the desktop shows of trayd: icon, menu, notifications."""
