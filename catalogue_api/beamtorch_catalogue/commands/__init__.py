"""Sub-commands of `beamtorch catalogue`, each in a module that adds itself to the parser."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    SubCommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no public name
