"""Real Chromium behind a shaped link: the scenarios of adaptive bitrate as a class would meet them."""
