"""The explanation of access beside the kernel: whatever is explained is tried by a process that became the person."""

import errno
import os
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_identity.acl import attributes, deciding
from beamtorch_identity.acl.control import Basis
from beamtorch_identity.acl.deciding import Inode
from beamtorch_identity.acl.errors import NotPermittedError
from beamtorch_identity.acl.explanation import FILE, FOLDER, Explanation, explain
from beamtorch_identity.acl.model import Acl, Entry, Permissions, Tag, X
from beamtorch_identity.acl.posix import PosixAccessControl
from beamtorch_identity.acl.telling import Operation
from beamtorch_identity.acl.walking import Outcome
from beamtorch_identity.credentials import Credentials

USERS, GROUPS = range(52001, 52007), range(62001, 62007)
OUTCOMES = {
    0: {Outcome.ALLOWED},
    errno.EACCES: {Outcome.DENIED, Outcome.LINK_REFUSED},
    errno.ENOENT: {Outcome.MISSING},
    errno.ENOTDIR: {Outcome.NOT_A_FOLDER},
    errno.ELOOP: {Outcome.LOOP},
    errno.EROFS: {Outcome.READ_ONLY},
}


def somebody(uid: int, gid: int, groups: tuple[int, ...] = ()) -> Identity:
    gids = {f"proposal-{number}": number for number in groups}
    return Identity(
        username=Username(f"u{uid}"), full_name=Words(en="U", zh="优"), uid=uid, gid=gid, groups=tuple(gids), gids=gids
    )


def restore(rules: list[str]) -> None:
    done = subprocess.run(
        ["setfacl", "--restore=-"], input="\n".join(rules), text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@dataclass
class World:
    """A generated tree: folders within folders, files and links, with owners and lists by chance."""

    chance: random.Random
    root: Path
    paths: list[Path] = field(default_factory=list)
    real: list[Path] = field(default_factory=list)

    def permissions(self, likely: float = 0.7) -> Permissions:
        return Permissions(sum(bit for bit in (1, 2, 4) if self.chance.random() < likely))

    def make(self) -> None:
        self._folder(self.root, depth=self.chance.randint(1, 4))
        for place in list(self.real):
            if place.is_dir() and self.chance.random() < 0.4:
                link = place / "link"
                link.symlink_to(self._target(place))
                os.lchown(link, self.chance.choice(USERS), self.chance.choice(GROUPS))
                self.paths += [link, link / "f0"]
        self.paths += [self.root / "missing" / "more", self.real[-1] / "x", self.root / "d0" / ".." / "f0"]
        restore([line for place in self.real for line in self._rules(place)])

    def _folder(self, place: Path, depth: int) -> None:
        place.mkdir()
        self.real.append(place)
        for number in range(self.chance.randint(1, 2)):
            file = place / f"f{number}"
            file.touch()
            self.real.append(file)
        for number in range(self.chance.randint(1, 2) if depth else 0):
            self._folder(place / f"d{number}", depth - 1)
        self.paths = list(self.real)

    def _target(self, place: Path) -> str:
        other = self.chance.choice(self.real)
        return self.chance.choice(
            [
                str(other),
                os.path.relpath(other, place),
                f"../{place.name}/f0",
                "link",
                "nowhere",
                f"{other}/",
                f"{os.path.relpath(other, place)}/.",
                f"./../{place.name}/",
            ]
        )

    def _rules(self, place: Path) -> list[str]:
        owner, group = self.chance.choice([0, *USERS]), self.chance.choice([0, *GROUPS])
        flags = "--t" if place.is_dir() and self.chance.random() < 0.1 else "---"
        head = [f"# file: {place}", f"# owner: {owner}", f"# group: {group}", f"# flags: {flags}"]
        lines = self._list().lines()
        if place.is_dir() and self.chance.random() < 0.3:
            lines += self._list().lines("default:")
        return [*head, *lines, ""]

    def _list(self) -> Acl:
        users = {one: self.permissions() for one in USERS if self.chance.random() < 0.25}
        groups = {one: self.permissions() for one in GROUPS if self.chance.random() < 0.25}
        if self.chance.random() < 0.3:
            users, groups = {}, {}
        mask = self.chance.choice([Permissions(7), self.permissions(), self.permissions(), Permissions(0)])
        named = bool(users or groups)
        others = self.permissions(0.6)
        return Acl(self.permissions(), self.permissions(), others, users, groups, mask if named else None)

    def person(self) -> Identity:
        chance = self.chance
        uid = chance.choice([*USERS, 52099])
        return somebody(uid, chance.choice([*GROUPS, 62099]), tuple(chance.sample(GROUPS, chance.randint(0, 3))))


def asked_of(found: Explanation) -> list[tuple[str, str]]:
    return [(verdict.operation.value, str(found.path)) for verdict in found.verdicts]


def test_in_two_hundred_generated_trees_the_kernel_does_what_the_explanation_says(place, kernel):
    seen: dict[object, int] = {}
    for seed in range(200):
        world = World(random.Random(seed), place / f"w{seed}")
        world.make()
        for _ in range(3):
            person = world.person()
            found = [explain(person, path) for path in world.paths]
            answers = kernel(Credentials.of(person), [one for each in found for one in asked_of(each)])
            for verdict, path, answer in zip(
                [verdict for each in found for verdict in each.verdicts],
                [each.path for each in found for _ in each.verdicts],
                answers,
                strict=True,
            ):
                told = f"seed {seed}, {person.uid}:{person.gid} {person.supplementary_gids}: {verdict.said.en}"
                assert verdict.outcome in OUTCOMES[answer], f"{path} {os.strerror(answer)} but {told}"
                decision = verdict.decision
                seen[verdict.outcome] = seen.get(verdict.outcome, 0) + 1
                if decision:
                    key = (decision.basis, decision.allowed, decision.limit is not None, decision.ignored)
                    seen[key] = seen.get(key, 0) + 1
    # Nothing is proven by what never came up.
    assert {Outcome.ALLOWED, Outcome.DENIED, Outcome.MISSING, Outcome.NOT_A_FOLDER, Outcome.LOOP} <= seen.keys()
    for basis in set(Basis) - {Basis.ROOT}:
        assert {True, False} <= {key[1] for key in seen if isinstance(key, tuple) and key[0] is basis}, basis
    for basis in (Basis.NAMED_USER, Basis.OWNING_GROUP, Basis.NAMED_GROUP):
        assert (basis, False, True, False) in seen
    assert (Basis.OTHERS, True, False, True) in seen


def test_taking_out_the_deciding_entry_changes_exactly_what_is_predicted(place, kernel):
    tried, flipped = 0, 0
    for seed in range(200, 400):
        world = World(random.Random(seed), place / f"w{seed}")
        world.make()
        person = world.person()
        credentials = Credentials.of(person)
        for path in world.real:
            found = explain(person, path)
            verdict = next((one for one in found.verdicts if one.decision and one.decision.entries), None)
            if verdict is None or found.at != path or len(verdict.decision.entries) != 1 or verdict.decision.ignored:
                continue
            line = verdict.decision.entries[0]
            entry = next(one for one in attributes_of(path).acl.entries() if one.text == line)
            if not entry.tag.is_named:
                continue
            before = attributes_of(path)
            asked = FOLDER if path.is_dir() else FILE
            after = Inode(before.uid, before.gid, before.mode, before.acl.without(entry))
            predicted = {one: deciding.decide(after, credentials, need).allowed for one, need in asked.items()}
            letter = "u" if entry.tag is Tag.USER else "g"
            subprocess.run(["setfacl", "-n", "-x", f"{letter}:{entry.number}", str(path)], check=True)
            told = [one.value for one in asked]
            reality = kernel(credentials, [(one, str(path)) for one in told])
            # The way there may be one that the entry opened.
            reachable = explain(person, path)
            assert [answer == 0 for answer in reality] == [one.allowed for one in reachable.verdicts]
            if reachable.at == path:
                assert [one.allowed for one in reachable.verdicts] == list(predicted.values())
            tried += 1
            flipped += verdict.allowed != predicted[verdict.operation]
            break
    assert tried > 20
    assert flipped > 10


def attributes_of(path: Path) -> Inode:
    descriptor = os.open(path, os.O_PATH)
    try:
        seen = os.fstat(descriptor)
        return Inode(seen.st_uid, seen.st_gid, seen.st_mode, attributes.read_access(descriptor))
    finally:
        os.close(descriptor)


def test_the_deciding_entry_and_its_mask_are_named(place):
    path = place / "scan.h5"
    path.touch(mode=0o600)
    subprocess.run(["setfacl", "-m", "u:52001:rw,m::r", str(path)], check=True)
    found = explain(somebody(52001, 62001), path)

    assert found.readable
    write = found.told(Operation.WRITE)
    assert "named user entry user:52001:rw-, limited by mask::r-- to r--" in write.said.en
    assert "受 mask::r-- 限制为 r--" in write.said.zh
    assert [hint.en for hint in found.hints if "chmod g+w" in hint.en]
    assert found.told(Operation.LIST) is None


def test_the_folder_that_blocks_is_named_and_nothing_beyond_it(place):
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").touch()
    found = explain(somebody(52001, 62001), closed / "file")

    assert (found.readable, found.at) == (False, closed)
    assert "cannot pass the folder" in found.verdicts[0].said.en
    assert "other::---" in found.verdicts[0].said.en
    assert explain(somebody(52001, 62001), closed / "nothing").verdicts[0].outcome is Outcome.DENIED


def test_a_group_that_opens_a_file_comes_with_the_hint_about_older_servers(place):
    path = place / "scan.h5"
    path.touch(mode=0o600)
    subprocess.run(["setfacl", "-m", "g:62002:r", str(path)], check=True)
    found = explain(somebody(52001, 62001, (62002,)), path)

    assert found.readable
    assert "proposal-62002" in found.hints[0].en
    assert "started anew" in found.hints[0].en
    assert not explain(somebody(52001, 62002), path).hints


def test_permissions_of_two_groups_do_not_add_up(place, kernel):
    path = place / "folder"
    path.mkdir(mode=0o700)
    subprocess.run(["setfacl", "-m", "g:62001:rw,g:62002:rx", str(path)], check=True)
    person = somebody(52001, 62001, (62002,))
    found = explain(person, path)

    assert kernel(Credentials.of(person), asked_of(found)) == [0, 0, errno.EACCES]
    assert [one.allowed for one in found.verdicts] == [True, True, False]
    assert "named group entry group:62002:r-x" in found.told(Operation.ENTER).said.en
    assert "group:62001:rw-, group:62002:r-x none is enough" in found.told(Operation.CHANGE).said.en


def test_an_empty_mask_makes_linux_look_past_the_list(place, kernel):
    path = place / "file"
    path.touch()
    subprocess.run(["setfacl", "-m", "u:52001:rw,m::-,o::r", str(path)], check=True)
    person = somebody(52001, 62001)
    found = explain(person, path)

    assert kernel(Credentials.of(person), asked_of(found)) == [0, errno.EACCES]
    assert [one.allowed for one in found.verdicts] == [True, False]
    assert "the mask is empty" in found.verdicts[0].said.en


def test_no_entry_limits_root_but_the_x_of_a_file_that_nobody_has(place):
    path = place / "file"
    path.touch(mode=0o000)
    root, control = Credentials(0, 0), PosixAccessControl()
    descriptor = os.open(path, os.O_PATH)
    assert control.decide(descriptor, root, Permissions(6)).basis is Basis.ROOT
    assert control.decide(descriptor, root, Permissions(6)).allowed
    assert control.decide(descriptor, root, X).allowed is os.access(path, os.X_OK) is False
    path.chmod(0o001)
    assert control.decide(descriptor, root, X).allowed is os.access(path, os.X_OK) is True
    os.close(descriptor)


def test_a_file_on_a_read_only_mount_can_be_read_and_not_written(place, kernel):
    (place / "file").touch(mode=0o666)
    (place / "file").chmod(0o666)
    mounted = place / "mounted"
    mounted.mkdir()
    if subprocess.run(["mount", "--bind", str(place), str(mounted)], capture_output=True, check=False).returncode:
        pytest.skip("a read-only file system cannot be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(mounted)], check=True)
        person = somebody(52001, 62001)
        found = explain(person, mounted / "file")
        assert kernel(Credentials.of(person), asked_of(found)) == [0, errno.EROFS]
        assert [one.outcome for one in found.verdicts] == [Outcome.ALLOWED, Outcome.READ_ONLY]
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_who_may_not_look_cannot_explain(place):
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").touch()
    child = os.fork()
    if child == 0:
        Credentials(52001, 62001).take_on()
        try:
            explain(somebody(52002, 62002), closed / "file")
        except NotPermittedError:
            os._exit(7)
        os._exit(0)
    # Asked for somebody whom the folder stops, too, there would be no need to look further.
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    closed.chmod(0o700)
    subprocess.run(["setfacl", "-m", "u:52002:x", str(closed)], check=True)
    child = os.fork()
    if child == 0:
        Credentials(52001, 62001).take_on()
        try:
            explain(somebody(52002, 62002), closed / "file")
        except NotPermittedError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_names_of_any_bytes_can_be_explained(place):
    raw = os.fsencode(place) + b"/scan\xff.h5"
    os.close(os.open(raw, os.O_CREAT | os.O_WRONLY, 0o644))
    found = explain(somebody(52001, 62001), Path(os.fsdecode(raw)))

    assert found.readable
    assert "scan\\xff.h5" in found.document()["path"]
    found.verdicts[0].said.en.encode()


def test_entries_are_lines_of_getfacl():
    assert Entry(Tag.USER, Permissions(5), 1203).text == "user:1203:r-x"
    assert Entry(Tag.MASK, Permissions(4)).text == "mask::r--"
