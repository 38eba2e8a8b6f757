"""Addresses, candidates, sockets side by side, and how many checks a second are worth an answer."""

from __future__ import annotations

import socket

import pytest

from media.addresses import Address, local_addresses, read_address, read_addresses
from media.datagrams import open_port, open_ports
from media.gate import CHECKS_FOR_TRANSPORT, CHECKS_FROM_HOST, Gate
from media.ice import candidate_lines
from tests.media.loopback import Loopback, Owner, binding_request


def test_forms_of_an_address() -> None:
    assert read_address("127.0.0.1") == Address("127.0.0.1", "127.0.0.1")
    assert read_address("198.51.100.7") == Address("198.51.100.7", "0.0.0.0")
    assert read_address("2001:db8::7") == Address("2001:db8::7", "::")
    assert read_address("198.51.100.7 = 10.0.0.5") == Address("198.51.100.7", "10.0.0.5")
    both = read_addresses(["198.51.100.7", "127.0.0.1", "203.0.113.5=127.0.0.1", "198.51.100.8"])
    assert local_addresses(both) == ("127.0.0.1", "0.0.0.0")


@pytest.mark.parametrize(
    "wrong",
    ["", "example.org", "0.0.0.0", "224.0.0.1", "fe80::1", "::ffff:10.0.0.1", "10.0.0.1=::1", "1.2.3.4="],
)
def test_addresses_no_browser_can_use(wrong: str) -> None:
    with pytest.raises(ValueError):
        read_address(wrong)


def test_priorities_prefer_udp_then_what_stands_first() -> None:
    lines = candidate_lines(["192.0.2.1", "2001:db8::1"], 43000, tcp=True)
    fields = [line.split() for line in lines]
    priorities = [int(field[3]) for field in fields]
    assert priorities == sorted(set(priorities), reverse=True) and max(priorities) < 2**31
    assert [field[2] for field in fields] == ["udp", "udp", "tcp", "tcp"]
    assert all(field[-2:] == ["tcptype", "passive"] for field in fields[2:])
    assert len({field[0] for field in fields}) == 4
    # RFC 8445 section 5.1.2.1: type preference 126 for host, component 1.
    assert priorities[0] == (126 << 24) + (65535 << 8) + 255


def test_sockets_stand_side_by_side() -> None:
    ports = open_ports(["127.0.0.1", "::1", "0.0.0.0"], 0)
    number = ports[0].socket.getsockname()[1]
    try:
        assert {port.socket.getsockname()[1] for port in ports} == {number}
        assert len({id(port.incoming) for port in ports}) == 1
        with pytest.raises(OSError):
            open_port("127.0.0.1", number)
        with pytest.raises(OSError):
            open_ports(["127.0.0.1", "0.0.0.0"], number)
    finally:
        for port in ports:
            port.close()


@pytest.mark.parametrize("batched", [True, False])
def test_answers_leave_from_the_address_that_was_asked(batched: bool) -> None:
    ports = open_ports(["127.0.0.1", "::1", "0.0.0.0"], 0, batched)
    number = ports[0].socket.getsockname()[1]
    loopback = Loopback()
    loopback.gate = gate = Gate(*ports)
    try:
        for host, family, index in (
            ("127.0.0.1", socket.AF_INET, 0), ("::1", socket.AF_INET6, 1), ("127.0.0.7", socket.AF_INET, 2)
        ):  # fmt: skip
            transport = loopback.transport(Owner())
            with socket.socket(family, socket.SOCK_DGRAM) as peer:
                peer.settimeout(2)
                peer.sendto(binding_request(transport), (host, number))
                while not ports[index].received:
                    gate.read(1.0, ports[index])
                _, source = peer.recvfrom(2048)
            if index < 2:  # Behind a wildcard the kernel chooses.
                assert source[0] == host
            assert transport.destination is not None and transport.destination.port is ports[index]
            assert gate.knows(transport.destination.key)
    finally:
        loopback.port.close()
        for port in ports:
            port.close()


def test_one_remote_address_at_two_ports_may_be_two_people() -> None:
    ports = open_ports(["127.0.0.1", "127.0.0.2"], 0)
    loopback = Loopback()
    loopback.gate = gate = Gate(*ports)
    peer = loopback.stranger()
    peer.connect(("127.0.0.1", 9))
    peer.close()
    one, two = loopback.transport(Owner()), loopback.transport(Owner())
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for port, transport in zip(ports, (one, two), strict=True):
                peer.sendto(binding_request(transport), port.socket.getsockname())
                while not port.received:
                    gate.read(1.0, port)
        assert one.destination and two.destination
        assert one.destination.name == two.destination.name
        assert one.destination.key != two.destination.key
        assert {gate._by_address[one.destination.key], gate._by_address[two.destination.key]} == {one, two}
    finally:
        loopback.port.close()
        for port in ports:
            port.close()


def test_forgers_get_so_many_answers_a_second_and_the_peer_all_of_its_own() -> None:
    loopback = Loopback()
    try:
        transport, peer, _ = loopback.connected(Owner())
        stranger = loopback.stranger()
        forged = binding_request(transport, password="guessed" * 4)
        for _ in range(10):
            for _ in range(50):
                stranger.send(forged)
            loopback.read(50, now=5.5)
        counters = loopback.gate.counters
        assert counters["stun_forged"] == CHECKS_FOR_TRANSPORT
        assert counters["stun_limited"] == 500 - CHECKS_FOR_TRANSPORT
        # In the same second the peer's own check is answered.
        peer.send(binding_request(transport))
        loopback.read(1, now=5.6)
        assert peer.recv(2048)[:2] == b"\x01\x01"
        # And in the next a new address of the peer.
        elsewhere = loopback.stranger()
        elsewhere.send(binding_request(transport))
        loopback.read(1, now=6.1)
        assert elsewhere.recv(2048)[:2] == b"\x01\x01"
        assert counters["stun_limited"] == 500 - CHECKS_FOR_TRANSPORT
    finally:
        loopback.close()


def test_one_host_gets_so_many_checks_over_all_transports() -> None:
    loopback = Loopback()
    try:
        transports = [
            loopback.transport(Owner()) for _ in range(CHECKS_FROM_HOST // CHECKS_FOR_TRANSPORT + 2)
        ]
        stranger = loopback.stranger()
        for transport in transports:
            for _ in range(CHECKS_FOR_TRANSPORT):
                stranger.send(binding_request(transport, password="guessed" * 4))
            loopback.read(CHECKS_FOR_TRANSPORT, now=5.5)
        assert loopback.gate.counters["stun_forged"] == CHECKS_FROM_HOST
        assert loopback.gate.counters["stun_limited"] == 2 * CHECKS_FOR_TRANSPORT
    finally:
        loopback.close()
