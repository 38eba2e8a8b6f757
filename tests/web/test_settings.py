"""Settings, the doctor and certificates: what is wrong is said plainly."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from recordings.space import LEAST_SHARE, Space
from tests.web.conftest import House
from web.commands import doctor
from web.keys import REGISTRY
from web.processes.supervisor import PortTaken, children_of, open_listener
from web.processes.tls import lan_certificate
from web.setting_groups import WebSettings
from web.settings import Settings, SettingsError, load


def test_settings_travel_through_the_environment(tmp_path: Path) -> None:
    given = {
        "LIANXIN_STATE": str(tmp_path),
        "LIANXIN_DEMO": "yes",
        "LIANXIN_WEB_PORT": "9000",
        "LIANXIN_MEDIA_ADDRESSES": "192.0.2.1, 127.0.0.1",
        "LIANXIN_WEB_TRUSTED_PROXIES": "10.0.0.1",
    }
    settings = load(given)
    assert settings.demo
    assert settings.web.port == 9000
    assert settings.media.addresses == ("192.0.2.1", "127.0.0.1")
    assert load(settings.environment()) == settings


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "lianxin.toml"
    path.write_text("[web]\nport = 9001\nhelp_phone = '96096'\n[media]\nport = 50000\n")
    settings = load({"LIANXIN_SETTINGS": str(path), "LIANXIN_WEB_PORT": "9002"})
    assert (settings.web.port, settings.web.help_phone, settings.media.port) == (9002, "96096", 50000)


def stamps(authority: str, certificate: str) -> dict[str, str]:
    return {"LIANXIN_STAMPS_AUTHORITY": authority, "LIANXIN_STAMPS_CERTIFICATE": certificate}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"LIANXIN_WEB_PORT": "eighty"}, "LIANXIN_WEB_PORT"),
        ({"LIANXIN_WEB_PORT": "70000"}, "LIANXIN_WEB_PORT"),
        ({"LIANXIN_DEMO": "perhaps"}, "LIANXIN_DEMO"),
        ({"LIANXIN_SETTINGS": "/nowhere.toml"}, "LIANXIN_SETTINGS"),
        ({"LIANXIN_RECORDINGS_SPILL": "second"}, "LIANXIN_RECORDINGS_SPILL"),
        ({"LIANXIN_WEB_CERTIFICATE": "a.pem"}, "certificate"),
        ({"LIANXIN_ARCHIVE_FONDS": "城关区信访局"}, "LIANXIN_ARCHIVE_REPOSITORY, _FONDS"),
        ({"LIANXIN_STAMPS_AUTHORITY": "https://tsa.example"}, "STAMPS_AUTHORITY and _CERTIFICATE"),
        (stamps("ftp://tsa.example", __file__), "LIANXIN_STAMPS_AUTHORITY"),
        (stamps("https://tsa.example", "/nowhere.pem"), "LIANXIN_STAMPS_CERTIFICATE"),
    ],
)
def test_a_bad_setting_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(given)


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lianxin.toml"
    path.write_text("[web]\nprot = 1\n")
    with pytest.raises(SettingsError, match="prot"):
        load({"LIANXIN_SETTINGS": str(path)})


def test_a_full_disk_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    cases = [(1 << 29, True), (102 << 30, False), (150 << 30, False), (154 << 30, None)]
    for free, serious in cases:
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage(1 << 40, 0, free))
        finding = doctor.check_disk(Settings(state=tmp_path / "not" / "there"))
        assert finding.good is (serious is None)
        assert finding.good or (finding.serious is serious and "清理" in finding.text)


def test_how_much_of_the_disk_stays_free_is_chosen_and_a_demonstration_wants_less(tmp_path: Path) -> None:
    chosen = load({"LIANXIN_STATE": str(tmp_path), "LIANXIN_RECORDINGS_LEAST_FREE_SHARE": "0.25"})
    assert chosen.gauge.measure(tmp_path).least_share == 0.25
    usual = load({"LIANXIN_STATE": str(tmp_path)})
    assert usual.gauge.measure(tmp_path).least_share == 0.1
    assert replace(usual, demo=True).gauge.measure(tmp_path).least_share == 0.01
    half = 1 << 39
    assert not Space(half - 1, 1 << 40, 0.5).enough and Space(half, 1 << 40, 0.5).enough
    with pytest.raises(SettingsError, match="LEAST_FREE_SHARE"):
        load({"LIANXIN_RECORDINGS_LEAST_FREE_SHARE": "0.6"})


def test_a_taken_port_is_said_plainly() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings(web=WebSettings(port=other.getsockname()[1]))
        assert not doctor.check_web_port(settings).good
        with pytest.raises(PortTaken, match="换一个端口"):
            open_listener(settings)


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert not doctor.check_writable(blocked / "var").good


def test_the_web_process_closes_before_the_media_and_sealing_waits_for_nobody() -> None:
    order = {child.name: child.closes for child in children_of(Settings())}
    assert order["recordings"] == order["web"] < order["media-0"]


def test_the_authority_is_kept_and_signs_for_the_local_network(tmp_path: Path) -> None:
    made = lan_certificate(tmp_path, ("192.0.2.7",))
    again = lan_certificate(tmp_path, ("192.0.2.7",))
    assert made == again
    first = made.authority.read_bytes()
    other = lan_certificate(tmp_path, ("192.0.2.8",))
    assert other.certificate != made.certificate
    assert other.authority.read_bytes() == first
    assert oct(made.key.stat().st_mode & 0o777) == "0o600"
    context = ssl.create_default_context(cafile=str(made.authority))
    assert context.cert_store_stats()["x509_ca"] == 1
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)


async def test_rooms_measure_the_disk_as_the_settings_say(house: House) -> None:
    gauge = house.server.app[REGISTRY].gauge
    assert gauge.measure(house.settings.recordings_root).least_share == 0 != LEAST_SHARE
