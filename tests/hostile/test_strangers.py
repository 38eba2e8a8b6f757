"""Datagrams from addresses whose ICE check never succeeded must change nothing (RFC 8826)."""

import pytest

from bench.sdp import read_description
from tests.hostile import fuzz
from tests.hostile.siege import Siege

INPUTS = 20_000
DROPPED = ("empty", "stranger", "unknown", "stun_dropped", "stun_forged", "stun_limited", "parser_error")


async def test_empty_datagrams(siege: Siege) -> None:
    await siege.attack(siege.stranger.send, [b""] * 500)
    await siege.attack(siege.anna.publish_wire.send_plain, [b""] * 500)
    await siege.stands()
    assert await siege.counted("empty") == 1000


async def test_stray_client_hello(siege: Siege) -> None:
    hello = fuzz.client_hello()
    await siege.attack(siege.stranger.send, [hello] * 500)
    await siege.stands()
    assert siege.stranger.answers == 0
    assert await siege.counted("stranger") == 500


async def test_plain_rtp_from_a_stranger(siege: Siege) -> None:
    await siege.attack(siege.stranger.send, fuzz.rtp_samples() * 100)
    await siege.stands()
    assert await siege.counted("stranger") == 100 * len(fuzz.rtp_samples())


async def test_stun_with_wrong_integrity(siege: Siege) -> None:
    remote = siege.anna.publish_wire.remote
    samples = fuzz.stun_samples(f"{remote.ufrag}:{siege.anna.publish_wire.ufrag}")
    await siege.attack(siege.stranger.send, samples * 100)
    await siege.stands()
    assert siege.stranger.answers == 0, "a forged request was answered"
    # One sample of all is a request that is wrong in nothing but its signature.
    assert await siege.counted("stun_forged", "stun_limited") >= 100
    assert await siege.counted("stun_forged", "stun_dropped", "stun_limited") == 100 * len(samples)


@pytest.mark.parametrize("protocol", ["stun", "rtp", "rtcp", "dtls"])
async def test_fuzzed_datagrams(siege: Siege, protocol: str) -> None:
    wire = siege.anna.publish_wire
    samples = {
        "stun": fuzz.stun_samples(f"{wire.remote.ufrag}:{wire.ufrag}"),
        "rtp": fuzz.rtp_samples(),
        "rtcp": fuzz.rtcp_samples(),
        "dtls": fuzz.dtls_samples(),
    }[protocol]
    await siege.attack(siege.stranger.send, fuzz.bent(20_000 + len(protocol), samples, INPUTS))
    await siege.stands()
    assert siege.stranger.answers == 0
    dropped = await siege.counted(*DROPPED)
    assert dropped >= 0.99 * INPUTS
    assert await siege.counted("parser_error") == 0


async def test_a_stranger_cannot_take_over_an_address_by_replaying_a_check(siege: Siege) -> None:
    """A captured check is authentic, and ICE alone cannot tell; DTLS and SRTP keys stay out of reach."""
    captured: list[bytes] = []
    wire = siege.anna.publish_wire
    genuine = wire.send_plain
    wire.send_plain = captured.append  # type: ignore[method-assign, assignment]
    wire.keep_alive()
    wire.send_plain = genuine  # type: ignore[method-assign]
    await siege.attack(siege.stranger.send, captured * 20 + fuzz.dtls_samples() * 5)
    genuine(captured[0])
    await siege.stands()


async def test_descriptions_tell_only_own_addresses(siege: Siege) -> None:
    """The answer offers the configured address and no other: nothing to probe (no SSRF by ICE)."""
    assert siege.anna.publish_wire.remote.addresses == [("127.0.0.1", siege.worker.port)]
    assert read_description("").addresses == []
