# The menu. `just check` is what CI runs.

python := ".venv/bin/python"

# list the recipes
default:
    @just --list

# everything that CI checks
check:
    ./beamtorch test

# style
lint:
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .

# who may import whom
imports:
    .venv/bin/lint-imports --no-cache

# types
types:
    .venv/bin/mypy

# tests, with pytest's own arguments
test *args:
    .venv/bin/python -m pytest {{args}}

# the whole stories in a browser
journeys *args:
    .venv/bin/python -m pytest tests/journeys {{args}}

# build and install the JupyterLab extension
panels:
    {{python}} labextensions/build.py

# the image of labs and apps, with docker, podman or buildah
image *args:
    {{python}} images/lab/build.py {{args}}

# the platform on this machine
serve *args:
    ./beamtorch up {{args}}

# a benchmark by name, e.g. `just bench ct`
bench name *args:
    {{python}} benchmarks/{{name}}.py {{args}}

# write the committed OpenAPI documents anew
openapi:
    {{python}} -m beamtorch_spawner.openapi > docs/reference/spawner-openapi.json
    {{python}} -m beamtorch_catalogue.openapi > docs/reference/catalogue-openapi.json

# the catalogue's client that waits, written from the one that is awaited
client:
    {{python}} catalogue_api/write_sync_client.py

# pin the newest versions that the ranges in pyproject.toml allow
lock:
    uv pip compile -q pyproject.toml --all-extras --universal -p 3.11 --no-header --no-annotate --no-emit-index-url --upgrade -o constraints.txt

# the screenshots of the docs, taken anew from the journeys
pictures:
    BEAMTORCH_PICTURES=1 {{python}} -m pytest tests/journeys -k "demo and not each_part"
