"""An example region with a lesson in progress: `webclass demo`."""

from infra.demo.errors import DemoError
from infra.demo.run import run_demo

__all__ = ["DemoError", "run_demo"]
