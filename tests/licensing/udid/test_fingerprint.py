from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid_licensing.errors import ArgumentError, UdidError
from senseid_licensing.udid.fingerprint import Fingerprint, check_udid, least_to_fake, printable_udid
from senseid_licensing.udid.probe import probe_for
from senseid_licensing.udid.reading import Kind, component_hash, missing, present
from senseid_licensing.udid.udid_file import format_udid_file, parse_udid_file

if TYPE_CHECKING:
    from collections.abc import Callable

UDID = printable_udid({"cpu": "0" * 32})
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_the_udid_of_given_components_never_changes() -> None:
    """A vector: another result would make every UDID ever sent useless."""
    assert component_hash(Kind.NIC, " A0:36:9F:00:00:01\n") == "4e5e787ead8e6a6d62be80550a27785c"
    assert UDID == "JNEBV-QVT6T-9AAV9-F3B2B-ASHJD-03"


def test_a_udid_has_check_digits() -> None:
    assert check_udid(UDID) == UDID
    assert check_udid(f" {UDID.lower().replace('-', '')}\n") == UDID


@given(st.integers(0, 24), st.sampled_from(DIGITS))
def test_every_wrong_digit_is_found(place: int, digit: str) -> None:
    plain = UDID.replace("-", "")
    wrong = plain[:place] + digit + plain[place + 1 :]
    if wrong == plain:
        assert check_udid(wrong) == UDID
    else:
        with pytest.raises(ArgumentError, match="a digit is wrong"):
            check_udid(wrong)


@given(st.integers(0, 23))
def test_every_swap_of_neighbours_is_found(place: int) -> None:
    plain = UDID.replace("-", "")
    swapped = plain[:place] + plain[place + 1] + plain[place] + plain[place + 2 :]
    if swapped != plain:
        with pytest.raises(ArgumentError):
            check_udid(swapped)


@pytest.mark.parametrize("text", ["", "U" * 27, UDID[:-1], UDID + "0", "é" * 27])
def test_no_udid_at_all(text: str) -> None:
    with pytest.raises(ArgumentError):
        check_udid(text)


def test_what_is_no_udid_is_not_shown() -> None:
    """It may be the first line of a passphrase's file."""
    with pytest.raises(ArgumentError) as caught:
        check_udid("hunter22")
    assert "hunter22" not in str(caught.value)


def test_digits_that_look_alike_are_read_as_meant() -> None:
    for number in range(200):
        udid = printable_udid({"cpu": f"{number:032x}"})
        if "0" in udid and "1" in udid:
            assert check_udid(udid.replace("0", "O").replace("1", "l")) == udid
            return
    pytest.fail("no UDID with 0 and 1 among 200")


# k of n.


@pytest.mark.parametrize(
    ("bound", "here", "ok"),
    [
        # All the same.
        ({"cpu": "c"}, {"cpu": "c"}, True),
        ({"cpu": "c", "disk": "d", "nic": "n"}, {"cpu": "c", "disk": "d", "nic": "n", "system": "s"}, True),
        # One of one or two changed.
        ({"cpu": "c"}, {"cpu": "x"}, False),
        ({"cpu": "c", "disk": "d"}, {"cpu": "x", "disk": "d"}, False),
        # One of three or more changed, or gone.
        ({"cpu": "c", "disk": "d", "nic": "n"}, {"cpu": "x", "disk": "d", "nic": "n"}, True),
        ({"cpu": "c", "disk": "d", "nic": "n"}, {"cpu": "c", "disk": "d"}, True),
        # Two changed, of however many.
        ({"cpu": "c", "disk": "d", "nic": "n"}, {"cpu": "c", "disk": "x", "nic": "x"}, False),
        (
            {"cpu": "c", "board": "b", "system": "s", "machine_id": "m", "disk": "d", "nic": "n"},
            {"cpu": "c", "board": "b", "system": "s", "machine_id": "m", "disk": "x", "nic": "x"},
            False,
        ),
        # Whichever it is.
        ({"cpu": "c", "board": "b", "disk": "d"}, {"cpu": "c", "board": "b", "disk": "x"}, True),
        ({"cpu": "c", "board": "b", "disk": "d"}, {"cpu": "c", "board": "x", "disk": "d"}, True),
    ],
)  # fmt: skip
def test_one_changed_component_of_three_is_tolerated(
    make_machine: Callable[..., Fingerprint], bound: dict[str, str], here: dict[str, str], ok: bool
) -> None:
    hashes = {kind: component_hash(Kind(kind), value) for kind, value in bound.items()}
    match = make_machine(**here).match(hashes)
    assert match.ok is ok
    assert sorted((*match.same, *match.changed)) == sorted(bound)


@pytest.mark.parametrize(
    ("bound", "faked"),
    [
        (("cpu", "board"), 0),
        (("cpu", "board", "disk"), 0),  # the disk may be the one that changed
        (("cpu", "disk"), 1),
        (("cpu", "disk", "nic"), 1),  # what a bind mount over one address was enough for
        (("disk", "nic"), 2),
        (("machine_id", "disk", "nic"), 2),
        (("system", "machine_id", "disk", "nic"), 3),
    ],
)
def test_how_many_components_move_a_licence(bound: tuple[str, ...], faked: int) -> None:
    assert least_to_fake(bound) == faked


def machine_with(unique: tuple[Kind, ...], shared: tuple[Kind, ...]) -> Fingerprint:
    shown = [present(kind, [kind], "", unique=kind in unique) for kind in Kind if kind in (*unique, *shared)]
    return Fingerprint(tuple(shown))


@pytest.mark.parametrize(
    ("unique", "shared", "counted", "to_fake"),
    [
        # Two that are unique, where there are: no model may stay the same in the place of one of them.
        ((Kind.DISK, Kind.NIC), (Kind.CPU, Kind.BOARD), {"disk", "nic"}, 2),
        ((Kind.MACHINE_ID, Kind.DISK, Kind.NIC), (Kind.CPU, Kind.BOARD), {"machine_id", "disk", "nic"}, 2),
        ((Kind.SYSTEM, Kind.MACHINE_ID, Kind.DISK, Kind.NIC), (), {"system", "machine_id", "disk", "nic"}, 3),
        # One: it must match, and so must what tells most of the rest.
        ((Kind.DISK,), (Kind.CPU, Kind.BOARD, Kind.NIC), {"disk", "nic"}, 1),
        ((Kind.NIC,), (Kind.CPU, Kind.BOARD), {"board", "nic"}, 1),
        ((Kind.NIC,), (), {"nic"}, 1),
        # None.
        ((), (Kind.CPU, Kind.BOARD, Kind.NIC), {"board", "nic"}, 0),
        ((), (Kind.CPU,), {"cpu"}, 0),
    ],
)
def test_what_a_new_licence_is_bound_to(
    unique: tuple[Kind, ...], shared: tuple[Kind, ...], counted: set[str], to_fake: int
) -> None:
    machine = machine_with(unique, shared)
    assert (set(machine.components), machine.to_fake) == (counted, to_fake)
    assert machine.match(machine.components).ok


def test_one_faked_component_moves_no_licence() -> None:
    """The attack: a machine of the same model with this one's network address, mounted over its own."""
    owner = machine_with((Kind.MACHINE_ID, Kind.NIC), (Kind.CPU,))
    other = (present(Kind.MACHINE_ID, ["other"], "", unique=True), present(Kind.NIC, [Kind.NIC], "", unique=True))
    thief = Fingerprint((*machine_with((), (Kind.CPU,)).readings, *other))
    assert not thief.match(owner.components).ok


def test_a_licence_of_an_earlier_release_goes_on_as_it_was() -> None:
    """It is bound to models too, and one of three may have changed, whichever it is."""
    owner = machine_with((Kind.DISK, Kind.NIC), (Kind.CPU,))
    old = {reading.kind.value: reading.hashes[0] for reading in owner.readings}
    assert set(old) == {"cpu", "disk", "nic"}
    assert owner.match(old).changed == ()
    assert owner.match({**old, "disk": "0" * 32}).ok
    assert not owner.match({**old, "disk": "0" * 32, "nic": "0" * 32}).ok


def test_a_machine_bound_to_models_alone_matches_them() -> None:
    models = Fingerprint((present(Kind.CPU, ["c"], "", unique=False), present(Kind.BOARD, ["b"], "", unique=False)))
    assert models.match(models.components).ok
    assert not models.unique


def test_a_second_disk_may_stand_in_for_the_first() -> None:
    licensed = Fingerprint((present(Kind.DISK, ["one"], "", unique=True),))
    here = Fingerprint((present(Kind.DISK, ["new", "one"], "", unique=True),))
    assert here.match(licensed.components).ok
    assert not licensed.match(here.components).ok


def test_components_of_a_later_release_count_as_changed(make_machine: Callable[..., Fingerprint]) -> None:
    here = make_machine(cpu="c", disk="d", nic="n")
    match = here.match({**here.components, "tpm": "0" * 32})
    assert (match.changed, match.ok) == (("tpm",), True)


def test_nothing_to_recognise_a_machine_by() -> None:
    empty = Fingerprint((missing(Kind.CPU, "/proc/cpuinfo", "gone"),))
    with pytest.raises(UdidError, match="no hardware") as caught:
        empty.udid  # noqa: B018
    assert caught.value.stid == -2146304001


def test_a_system_without_a_probe() -> None:
    with pytest.raises(UdidError, match="no hardware probe for Plan9"):
        probe_for("Plan9")


# UDID.txt.


def test_the_udid_file_reads_back(make_machine: Callable[..., Fingerprint]) -> None:
    machine = make_machine(cpu="c", disk="d", nic="n")
    data = format_udid_file(machine)
    assert data.decode().splitlines()[0] == machine.udid
    for sent in (data, b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"), b"\n" + data + b"\n\n"):
        assert parse_udid_file(sent) == machine.components


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data.replace(b"disk", b"risk"),
        lambda data: data.replace(b"disk ", b"disk  "),
        lambda data: b"\n".join(data.splitlines()[:-1]),
        lambda data: data + b"disk " + b"0" * 32,
        lambda data: b"\xff\xfe" + data.decode().encode("utf-16-le"),
        lambda data: bytes([data[0] ^ 1]) + data[1:],
    ],
)
def test_a_damaged_udid_file_is_refused(
    make_machine: Callable[..., Fingerprint], damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(ArgumentError):
        parse_udid_file(damage(format_udid_file(make_machine(cpu="c", disk="d", nic="n"))))
