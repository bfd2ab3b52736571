"""The reference: a bare pystray icon on AppIndicator with one menu item, run by Debian's python3 with python3-gi."""

from PIL import Image
from pystray import Icon, Menu, MenuItem

menu = Menu(MenuItem("Quit", lambda icon: icon.stop()))
Icon("reference", Image.new("RGB", (64, 64), "green"), "reference", menu).run()
