"""Where a request came from: what the edge saw counts, and nothing that a client says about itself."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.source_address import parse, resolve, shared_by_many
from beamtorch_spawner.wire import Peer

EDGE, INNER, TERMINAL, LAB = "10.9.0.2", "10.9.0.3", "10.41.0.7", "10.244.3.5"
POLICY = Policy(
    trusted_proxies=(ip_network("10.9.0.0/24"), ip_network("fd00:9::/64")),
    never_terminals=(ip_network("10.244.0.0/16"),),
    most_hops=3,
)
addresses = st.ip_addresses()
junk = st.text(max_size=40)
lines = st.lists(
    st.one_of(junk, addresses.map(str), st.lists(addresses.map(str), max_size=4).map(", ".join)), max_size=6
)


def from_(address, *forwarded: str):
    found = resolve(Peer(address=address, forwarded_for=forwarded), POLICY)
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        (TERMINAL, (), TERMINAL),
        (EDGE, (TERMINAL,), TERMINAL),
        (EDGE, (f"{TERMINAL}, {INNER}",), TERMINAL),
        (EDGE, (TERMINAL, INNER), TERMINAL),
        (EDGE, (f" {TERMINAL}:51234 ",), TERMINAL),
        (EDGE, ("[2001:db8::7]:443",), "2001:db8::7"),
        (EDGE, ("[2001:db8::7]",), "2001:db8::7"),
        (EDGE, ("2001:DB8:0::7",), "2001:db8::7"),
        (EDGE, ("fe80::1%eth0",), "fe80::1"),
        (EDGE, (f"::ffff:{TERMINAL}",), TERMINAL),
        (f"::ffff:{EDGE}", (TERMINAL,), TERMINAL),
        ("fd00:9::1", (TERMINAL,), TERMINAL),
    ],
)
def test_the_nearest_address_before_the_trusted_proxies_is_the_source(peer, forwarded, source):
    assert from_(peer, *forwarded) == source


@pytest.mark.parametrize(
    ("forwarded", "why"),
    [
        ((), "a proxy that says nothing"),
        (("",), "nothing at all"),
        (("unknown",), "a word"),
        ((f"{TERMINAL}, ",), "an empty last hop"),
        ((f"{TERMINAL}, _hidden",), "a name that hides"),
        ((f"{TERMINAL} {TERMINAL}",), "two without a comma"),
        (("010.041.000.007",), "leading zeros, which some read as octal"),
        (("0x0a290007",), "a number"),
        ((f"[{TERMINAL}",), "half a bracket"),
        ((f"[{TERMINAL}]x",), "more after the bracket"),
        ((f"{TERMINAL}:port",), "a port that is none"),
        ((INNER,), "a chain that ends at a proxy"),
        ((f"{TERMINAL}, {INNER}, {INNER}, {INNER}",), "more proxies than there are"),
    ],
)
def test_what_cannot_be_known_is_unknown(forwarded, why):
    assert from_(EDGE, *forwarded) is None, why


def test_a_chain_may_be_as_long_as_policy_says_and_no_longer():
    assert from_(EDGE, f"{TERMINAL}, {INNER}, {INNER}") == TERMINAL
    assert from_(EDGE, f"{TERMINAL}, {INNER}, {INNER}, {INNER}") is None


def test_what_a_client_wrote_before_the_edge_appended_is_not_read():
    assert from_(EDGE, f"{TERMINAL}, 203.0.113.9") == "203.0.113.9"
    assert from_(EDGE, TERMINAL, "203.0.113.9") == "203.0.113.9"
    assert from_(EDGE, f"{TERMINAL}, {INNER}, 203.0.113.9, {INNER}") == "203.0.113.9"


@given(peer=addresses, forwarded=lines)
def test_whoever_is_no_trusted_proxy_is_the_source_whatever_the_headers_say(peer, forwarded):
    peer = parse(str(peer))
    assume(not any(peer.version == net.version and peer in net for net in POLICY.trusted_proxies))
    assert resolve(Peer(address=str(peer), forwarded_for=tuple(forwarded)), POLICY) == peer


@given(peer=st.one_of(addresses.map(str), junk), forwarded=lines)
def test_no_header_makes_the_source_a_proxy_or_breaks_anything(peer, forwarded):
    source = resolve(Peer(address=peer, forwarded_for=tuple(forwarded)), POLICY)
    assert source is None or not any(source.version == net.version and source in net for net in POLICY.trusted_proxies)


@given(forged=lines, real=addresses)
def test_behind_the_edge_the_last_hop_decides_alone(forged, real):
    real = parse(str(real))
    assume(not any(real.version == net.version and real in net for net in POLICY.trusted_proxies))
    assert resolve(Peer(address=EDGE, forwarded_for=(*forged, str(real))), POLICY) == real


@given(address=addresses, port=st.integers(0, 65535))
def test_each_way_of_writing_an_address_means_the_same(address, port):
    bare = parse(str(address))
    ways = [str(address), f" {address}\t", str(address).upper(), f"[{address}]:{port}", f"[{address}]"]
    ways += [f"{address}:{port}", f"::ffff:{address}"] if address.version == 4 else [f"{address.exploded}"]
    assert {parse(way) for way in ways} == {bare}


@given(text=junk)
def test_whatever_is_parsed_is_an_address_or_nothing(text):
    found = parse(text)
    assert found is None or ip_address(str(found)) == found


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.8.8.8", "::1", EDGE, LAB, "fd00:9::5", "0.0.0.0", "::", "224.0.0.1", "fe80::1"]
)
def test_an_address_of_many_is_never_a_terminal(address):
    network = shared_by_many(ip_address(address), POLICY)
    assert network is not None
    assert ip_address(address) in network


def test_an_address_of_its_own_may_be_one():
    assert shared_by_many(ip_address(TERMINAL), POLICY) is None
