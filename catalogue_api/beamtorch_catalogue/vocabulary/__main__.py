"""Look at a folder of models before a restart: ``python -m beamtorch_catalogue.vocabulary FOLDER``."""

import sys
from pathlib import Path

from beamtorch_catalogue.vocabulary.loading import FacilityVocabulary
from beamtorch_catalogue.vocabulary.placed import VocabularyFileError


def main(words: list[str]) -> int:
    """Say what a folder holds, or what is wrong with it; return the exit code."""
    if len(words) != 1:
        print(__doc__, file=sys.stderr)  # noqa: T201 - a command prints
        return VocabularyFileError.exit_code
    try:
        vocabulary = FacilityVocabulary.load(Path(words[0]))
    except VocabularyFileError as error:
        print(error.detail.en, file=sys.stderr)  # noqa: T201 - a command prints
        return error.exit_code
    for model in vocabulary.models.all():
        names = ", ".join(model.parameter(name) for name in model.fields)
        print(f"{model.name} {model.version} ({', '.join(model.file.techniques)}): {names}")  # noqa: T201 - it is asked
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
