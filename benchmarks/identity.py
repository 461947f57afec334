"""One person from the directory, uncached, on loopback with TLS: LDAP of a small and a large facility, and YAML.

Run it as ``python benchmarks/identity.py`` or ``just bench identity``. The rival is `ldapsearch` of OpenLDAP asking the
same server the same three questions (the person's entry, the number's other holders, the groups), each as a process of
its own, as a script would. Ways take turns in one run.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yardstick import spread, told, yardstick

from beamtorch_facility.directory import YamlDirectory, dump_people
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_identity.ldap_directory import LdapDirectory
from beamtorch_identity.ldap_settings import LdapSettings
from beamtorch_identity.testing.slapd import GROUPS, PEOPLE, READER, READER_PASSWORD, SUFFIX, Slapd

RESULTS = Path(__file__).parent / "results" / "identity.json"
LDAPSEARCH = ("ldapsearch", "-x", "-LLL")
SIZES = (500, 20_000)


def ldif(count: int) -> str:
    people = (
        f"dn: uid=p{n},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\ncn: p{n}\nsn: p{n}\n"
        f"uid: p{n}\nuidNumber: {20_000 + n}\ngidNumber: {20_000 + n}\nhomeDirectory: /home/p{n}\n"
        for n in range(count)
    )
    groups = (
        f"dn: cn=proposal-{g},ou=groups,{SUFFIX}\nobjectClass: posixGroup\ncn: proposal-{g}\ngidNumber: {500_000 + g}\n"
        + "".join(f"memberUid: p{(g * 7 + k) % count}\n" for k in range(12))
        for g in range(count // 4)
    )
    return "\n".join([*people, *groups])


def by_ldapsearch(server: Slapd, name: str, uid: int) -> None:
    for base, wanted in (
        (PEOPLE, f"(&(objectClass=posixAccount)(uid={name}))"),
        (PEOPLE, f"(&(objectClass=posixAccount)(uidNumber={uid}))"),
        (GROUPS, f"(&(objectClass=posixGroup)(memberUid={name}))"),
    ):
        command = [*LDAPSEARCH, "-H", server.url, "-D", READER, "-w", READER_PASSWORD, "-b", base, wanted]
        environment = {**os.environ, "LDAPTLS_CACERT": str(server.where / "cert.pem")}
        subprocess.run(command, check=True, capture_output=True, env=environment)


def percentiles(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return {name: round(cuts[at] * 1000, 2) for name, at in (("p50", 49), ("p95", 94), ("p99", 98))}


def measure(ways: dict[str, Callable[[int], object]], count: int, rounds: int) -> dict[str, dict[str, float]]:
    taken: dict[str, list[float]] = {name: [] for name in ways}
    chance = random.Random(1)
    for _ in range(rounds):
        number = chance.randrange(count)
        for name, ask in ways.items():
            began = time.perf_counter()
            ask(number)
            taken[name].append(time.perf_counter() - began)
    return {name: percentiles(seconds) for name, seconds in taken.items()}


def run(count: int, rounds: int) -> dict[str, Any]:
    where = Path(tempfile.mkdtemp(prefix="bench-slapd-"))
    server = Slapd(where)
    server.prepare()
    server.load(ldif(count))
    server.start()
    try:
        directory = LdapDirectory(LdapSettings.model_validate(server.settings()))
        people = where / "people.yaml"
        few = [
            Identity(username=Username(f"p{n}"), full_name=Words(en="x", zh="x"), uid=20_000 + n, gid=20_000 + n)
            for n in range(min(count, 500))
        ]
        people.write_text(dump_people(few), encoding="utf-8")
        listed = YamlDirectory(people)
        ways: dict[str, Callable[[int], object]] = {
            "ldap": lambda n: directory.person(Username(f"p{n}")),
            "ldapsearch": lambda n: by_ldapsearch(server, f"p{n}", 20_000 + n),
            "yaml": lambda n: listed.person(Username(f"p{n % len(few)}")),
        }
        return {"people": count, "rounds": rounds, "milliseconds": measure(ways, count, rounds)}
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    found, speed = [], [yardstick()]
    for count in SIZES:
        found.append(run(count, options.rounds))
        speed.append(yardstick())
    for one in found:
        print(f"{one['people']} people, {one['rounds']} rounds, milliseconds:")
        for name, cuts in one["milliseconds"].items():
            ratio = cuts["p50"] / one["milliseconds"]["ldapsearch"]["p50"]
            values = "  ".join(f"{cut} {value:7.2f}" for cut, value in cuts.items())
            print(f"  {name:<11} {values}   {ratio:5.2f} of ldapsearch")
    print(told(speed))
    document = {
        "yardstick": spread(speed),
        "what": "one person, uncached, loopback with TLS",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "runs": found,
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
