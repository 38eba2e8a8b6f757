"""Metadata of a recording as XML, by the fields that DA/T 63-2017 and GB/T 18894-2016 ask of sound and film.

Element names are those of DA/T 63 as far as they are known (docs/recording-format.md says how far, and maps
them); ``code`` stands only where the number of the field could be read in its text. What the office decides
when it files the record (档号, 密级, and the codes of archive and fonds where the settings do not tell them)
is an empty element with ``filled="false"``, never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from math import gcd
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # noqa: S405 - only written here, never read.

import av

from cases.clock import BEIJING
from recordings.packages.filing import UNFILED, Filing

METADATA_FORMAT = "lianxin-metadata"
_REFUSED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Pixel format of a decoder: colour space, chroma sampling, bits.
SAMPLINGS = {"yuv420p": ("YCbCr", "4:2:0", 8), "yuvj420p": ("YCbCr", "4:2:0", 8)}
RULE, RULE_CONFIDENTIAL = "内部，按信访保密规定使用", "；信访件已限定查看人员"
KEEPER = "保管单位"
MAKERS = {"h264": "H.264/AVC", "aac": "AAC"}


@dataclass(frozen=True)
class FilmFacts:
    """What a film is, read from the file: seconds, pixels, pictures and samples a second, bits a second."""

    name: str
    size: int
    sha256: str
    seconds: float
    video_codec: str
    width: int
    height: int
    frame_rate: str
    video_bit_rate: int
    audio_codec: str
    sample_rate: int
    channels: int
    audio_bit_rate: int
    frames: int
    pixel_format: str


def read_film(path: Path, sha256: str) -> FilmFacts:
    """Look into a film. Raises av.FFmpegError, IndexError, OSError."""
    with av.open(str(path)) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        return FilmFacts(
            path.name,
            path.stat().st_size,
            sha256,
            (film.duration or 0) / av.time_base,
            MAKERS.get(video.codec_context.name, video.codec_context.name),
            video.width,
            video.height,
            f"{float(video.average_rate or 0):g}",
            video.bit_rate or 0,
            MAKERS.get(audio.codec_context.name, audio.codec_context.name),
            audio.sample_rate,
            audio.channels,
            audio.bit_rate or 0,
            video.frames,
            video.codec_context.pix_fmt or "",
        )


@dataclass(frozen=True)
class MetadataSource:
    """What the XML is made from. ``acts``: (when, who, what, remark) of the recording's management."""

    manifest: dict[str, Any]
    manifest_sha256: str
    signature: dict[str, Any]
    film: FilmFacts | None
    acts: tuple[tuple[str, str, str, str], ...]
    made_at: str
    software: str
    sequence: int | None = None  # the recording's number among those of its case, from 1
    retention: str | None = None  # 永久 or years, where the archive has a class for it
    confidential: bool = False  # Only who was granted the case may see it.
    filing: Filing = UNFILED
    custodian: tuple[str, str] | None = None  # id and name of the office that keeps the case now


def metadata_xml(source: MetadataSource) -> bytes:
    """UTF-8 XML, indented; characters that XML 1.0 forbids are replaced by U+FFFD."""
    root = ET.Element(
        "电子档案元数据", {"format": METADATA_FORMAT, "version": "2", "made_at": source.made_at}
    )
    recording = source.manifest["recording"]
    _identity(ET.SubElement(root, "标识"), recording, source)
    _content(ET.SubElement(root, "内容描述"), source.manifest)
    _form(ET.SubElement(root, "形式特征"), source)
    _signature(ET.SubElement(root, "数字签名"), source)
    _rights(ET.SubElement(root, "权限管理"), source.confidential)
    _business(ET.SubElement(root, "职能业务"), recording)
    _agents(ET.SubElement(root, "机构人员"), source)
    _acts(ET.SubElement(root, "管理活动"), source.acts, recording.get("id"))
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _node(parent: ET.Element, name: str, **attributes: object) -> ET.Element:
    """An element that holds others."""
    return ET.SubElement(parent, name, {key: _plain(found) for key, found in attributes.items()})


def _plain(value: object) -> str:
    return _REFUSED.sub("\ufffd", str(value))


def _put(parent: ET.Element, name: str, value: object = None, code: str = "", **more: str) -> ET.Element:
    """One field; None or an empty text stands as an empty element that says so."""
    text = _plain(value) if value is not None else ""
    told = {key: _plain(found) for key, found in more.items()}
    attributes = ({"code": code} if code else {}) | told | ({} if text else {"filled": "false"})
    element = ET.SubElement(parent, name, attributes)
    element.text = text or None
    return element


def _identity(part: ET.Element, recording: dict[str, Any], source: MetadataSource) -> None:
    office = recording.get("organisation") or {}
    _put(part, "档案馆代码", source.filing.archive)
    _put(part, "档案门类代码", "LX")  # 录像, 《机关档案管理规定》(2018) article 28.
    _put(part, "聚合层次", "件")
    _put(part, "唯一标识符", recording.get("id"))
    _put(part, "档号")
    _put(part, "全宗号", source.filing.fonds_of(office))
    _put(part, "全宗名称", office.get("name"))
    _put(part, "年度", str(recording.get("started_at") or "")[:4])
    _put(part, "保管期限", source.retention)
    _put(part, "案件内顺序号", source.sequence)
    _put(part, "机构或问题", "信访接访")


def _content(part: ET.Element, manifest: dict[str, Any]) -> None:
    recording = manifest["recording"]
    title = f"{recording.get('petition_number') or ''} {recording.get('title') or ''}".strip()
    _put(part, "题名", title, "M7")
    office = recording.get("organisation") or {}
    _put(part, "责任者", office.get("name"))
    _put(part, "摄录者", office.get("name"))
    _put(part, "摄录时间", recording.get("started_at"))
    _put(part, "主题", "信访接访")
    _put(part, "内容描述", _abstract(manifest))
    _put(part, "内容起始时间", recording.get("started_at"))
    _put(part, "内容结束时间", recording.get("stopped_at"))
    for person in manifest.get("participants", []):
        _put(part, "人物", person.get("name"), role=str(person.get("role") or ""))
    _put(part, "地点", office.get("region_code"), scheme="行政区划代码")


def _abstract(manifest: dict[str, Any]) -> str | None:
    """What the recording holds, in a sentence of what the manifest counts; None without its two ends."""
    recording = manifest["recording"]
    try:
        ends = [datetime.fromisoformat(recording[key]) for key in ("started_at", "stopped_at")]
        begin, end = (at.astimezone(BEIJING) for at in ends)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    kinds = [event.get("kind") for event in manifest.get("session_events", [])]
    gaps = sum(len(track.get("gaps", [])) for track in manifest["tracks"])
    counted = (
        f"参加 {len(manifest.get('participants', []))} 人",
        f"原始轨道 {len(manifest['tracks'])} 条",
        f"缺口 {gaps} 处",
        f"标记 {kinds.count('mark.set')} 个",
        "笔录已签字" if "minutes.signed" in kinds else "",
    )
    told = "，".join(each for each in counted if each)
    return f"视频接访录像，北京时间 {begin:%Y-%m-%d %H:%M:%S} 至 {end:%Y-%m-%d %H:%M:%S}；{told}。"


def _form(part: ET.Element, source: MetadataSource) -> None:
    film = source.film
    entries = [entry for track in source.manifest["tracks"] for entry in track["segments"]]
    _put(part, "生成方式", "原生")
    _put(part, "软件信息", source.manifest.get("software"))
    _put(part, "管理系统描述", source.software)
    if film is not None:
        _film(_node(part, "计算机文件", kind="成品", path=f"recording/{film.name}"), film)
    original = _node(part, "原始轨道", segments=len(entries))
    for track in source.manifest["tracks"]:
        _track(original, track)


def _film(one: ET.Element, film: FilmFacts) -> None:
    _put(one, "计算机文件名", film.name)
    _put(one, "计算机文件大小", film.size, unit="字节")
    _put(one, "时间长度", f"{film.seconds:.3f}", unit="秒")
    _put(one, "总帧数", film.frames)
    form = _node(one, "格式信息")
    _put(form, "格式名称", "MP4")
    _put(form, "格式版本", "ISO/IEC 14496-14")
    _put(form, "格式描述", f"{film.video_codec} 视频和 {film.audio_codec} 音频")
    sampling = SAMPLINGS.get(film.pixel_format, (None, None, None))
    video = _node(one, "视频参数")
    _put(video, "视频编码标准", film.video_codec)
    _put(video, "色彩空间", sampling[0])
    _put(video, "分辨率", f"{film.width}×{film.height}", unit="像素")
    _put(video, "帧率", film.frame_rate, unit="帧/秒")
    _put(video, "视频比特率", film.video_bit_rate, unit="bit/s")
    _put(video, "色度采样率", sampling[1])
    _put(video, "视频量化位数", sampling[2])
    shape = gcd(film.width, film.height) or 1
    _put(video, "画面高宽比", f"{film.width // shape}:{film.height // shape}")
    audio = _node(one, "音频参数")
    _put(audio, "音频编码标准", film.audio_codec)
    _put(audio, "音频比特率", film.audio_bit_rate, unit="bit/s")
    _put(audio, "音频采样率", film.sample_rate, unit="Hz")
    _put(audio, "音频量化位数")  # AAC has none.
    _put(audio, "声道", film.channels)
    _put(one, "数字摘要", film.sha256, algorithm="SHA-256")


def _track(parent: ET.Element, track: dict[str, Any]) -> None:
    one = _node(parent, "轨道", source=track.get("source"), codec=track.get("codec"))
    _put(one, "参加人标识符", track.get("participant_id"))
    _put(one, "缺口数", len(track.get("gaps", [])))
    for entry in track["segments"]:
        file = _node(one, "计算机文件", path=f"recording/{entry['path']}")
        _put(file, "计算机文件大小", entry["size"], unit="字节")
        _put(file, "数字摘要", entry["sha256"], algorithm="SHA-256")
        if "sm3" in entry:
            _put(file, "数字摘要", entry["sm3"], algorithm="SM3")


def _signature(part: ET.Element, source: MetadataSource) -> None:
    signature = source.signature
    _put(part, "签名对象", "recording/manifest.json")
    _put(part, "数字摘要", source.manifest_sha256, algorithm="SHA-256")
    _put(part, "签名格式描述", "detached")
    _put(part, "签名时间", source.manifest.get("sealed_at"))
    _put(part, "签名者", (source.manifest["recording"].get("organisation") or {}).get("name"))
    _put(part, "签名", signature.get("signature"))
    _put(part, "证书")
    _put(part, "证书引证", signature.get("fingerprint"), algorithm="SHA-256")
    _put(part, "签名算法", signature.get("algorithm"))


def _rights(part: ET.Element, confidential: bool) -> None:
    _put(part, "授权标识符", None, "M93")
    _put(part, "密级")
    _put(part, "控制标识", RULE + (RULE_CONFIDENTIAL if confidential else ""))
    _put(part, "版权信息")


def _business(part: ET.Element, recording: dict[str, Any]) -> None:
    _put(part, "业务名称", "视频接访")
    _put(part, "信访件编号", recording.get("petition_number"))
    _put(part, "业务标识符", recording.get("session_id"))
    _put(part, "业务开始时间", recording.get("session_opened_at") or recording.get("started_at"))
    _put(part, "业务结束时间", recording.get("session_closed_at") or recording.get("stopped_at"))
    _put(part, "业务描述", recording.get("stop_reason"))


def _agents(part: ET.Element, source: MetadataSource) -> None:
    """Who took part, as sealed, and who keeps it, as it is now: the maker of a record never changes."""
    if source.custodian is not None:
        one = ET.SubElement(part, "机构人员实体")
        _put(one, "机构人员标识符", source.custodian[0], "M88")
        _put(one, "机构人员名称", source.custodian[1])
        _put(one, "组织机构名称", source.custodian[1])
        _put(one, "职责", KEEPER)
    for person in source.manifest.get("participants", []):
        one = ET.SubElement(part, "机构人员实体")
        _put(one, "机构人员标识符", person.get("participant_id"), "M88")
        _put(one, "机构人员名称", person.get("name"))
        _put(one, "组织机构名称", person.get("organisation"))
        _put(one, "职责", person.get("role"))


def _acts(part: ET.Element, acts: tuple[tuple[str, str, str, str], ...], recording_id: str | None) -> None:
    for number, (at, who, what, remark) in enumerate(acts, 1):
        one = ET.SubElement(part, "管理活动实体")
        _put(one, "管理活动标识符", f"室编管理活动{number}", "M83")
        _put(one, "关联实体标识符", recording_id, "M87")
        _put(one, "管理行为", what)
        _put(one, "行为时间", at)
        _put(one, "行为人", who)
        _put(one, "行为描述", remark)
