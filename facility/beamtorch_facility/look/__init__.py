"""The visual language that pages, apps and the lab extension share: tokens, components, icons, the page frame.

Only files and their place; whoever serves or renders them brings the framework. ``assets/`` is served as it is,
``templates/`` holds Jinja macros.
"""

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
TEMPLATES = Path(__file__).parent / "templates"
