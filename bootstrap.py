"""Make the virtual environment of this checkout; the standard library only, since nothing is installed yet.

Called by the Makefile: ``python3 bootstrap.py`` for what the service needs, ``--dev`` for the tests as
well. A second call compares digests and returns in well under a second. Every failure is told in words, in
Chinese and English, with what to do, and ends with exit code 1; nobody who typed ``make run`` sees a trace.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1_500_000_000


def stop(chinese: str, english: str) -> None:
    """Say plainly what is missing and end."""
    sys.stderr.write(f"\n✗ {chinese}\n  {english}\n\n")
    raise SystemExit(1)


def check_machine() -> None:
    """Refuse early what would fail later with a longer message."""
    if sys.version_info < LEAST_PYTHON:
        stop(
            f"Python 版本太旧：{sys.version.split()[0]}，需要 3.11 或更新。"
            "请安装 python3.11 后用 make PYTHON=python3.11 再试。",
            "Python 3.11 or newer is needed; install it and call make PYTHON=python3.11.",
        )
    if not ENVIRONMENT.exists() and shutil.disk_usage(ROOT).free < LEAST_FREE_BYTES:
        stop(
            "磁盘空间不足：安装需要约 1.5 GB 可用空间。请清理后再试。",
            "The disk is nearly full: about 1.5 GB is needed for the installation.",
        )
    if not os.access(ROOT, os.W_OK):
        stop(
            f"目录不可写：{ROOT}。请用有写权限的用户运行。",
            "This folder is not writable for the current user.",
        )


def lock_of(development: bool) -> Path:
    """The lock file to install from; the development one contains the other."""
    return ROOT / ("requirements-dev.lock" if development else "requirements.lock")


def digest_of(lock: Path) -> str:
    """What the environment was made from: interpreter, lock file and package description."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (lock, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current(development: bool) -> bool:
    """True when an earlier call finished for the same files (the development set serves both)."""
    names = ["dev"] if development else ["run", "dev"]
    for name in names:
        stamp = ENVIRONMENT / f".made-for-{name}"
        if stamp.exists() and stamp.read_text() == digest_of(lock_of(name == "dev")):
            return True
    return False


def run(command: list[str], chinese: str, english: str) -> None:
    """Run one step; on failure show its last lines and the words."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.stderr.write("\n".join(done.stdout.splitlines()[-15:]) + "\n")
        stop(chinese, english)


def make_environment() -> None:
    """``python -m venv``; Debian keeps ensurepip in a package of its own, which root may install."""
    command = [sys.executable, "-m", "venv", str(ENVIRONMENT)]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("正在安装 python3-venv …", flush=True)
        subprocess.run(["apt-get", "update"], capture_output=True, check=False)
        subprocess.run(["apt-get", "install", "-y", "python3-venv"], capture_output=True, check=False)
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    run(
        command,
        "无法创建虚拟环境。请先安装：apt-get install python3-venv",
        "The virtual environment cannot be made; install the package python3-venv first.",
    )


def install(development: bool) -> None:
    """Install exactly what the lock file names, every file compared with its hash."""
    python = str(ENVIRONMENT / "bin" / "python")
    lock = lock_of(development)
    words = (
        "依赖安装失败。请检查网络或软件包镜像设置后再试。",
        "The dependencies could not be installed; check the network or the package mirror settings.",
    )
    print("正在安装依赖，首次约需一分钟 … (installing dependencies)", flush=True)
    base = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*base, "--require-hashes", "-r", str(lock)], *words)
    run([*base, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], *words)
    (ENVIRONMENT / f".made-for-{'dev' if development else 'run'}").write_text(digest_of(lock))


def compile_loops() -> None:
    """With a C compiler packets are forwarded and films drawn by compiled code, without one by Python."""
    for module in ("media.fastpath", "recordings.film.pixels"):
        subprocess.run([str(ENVIRONMENT / "bin" / "python"), "-m", module], cwd=ROOT, check=False)


def main() -> None:
    """Check, and install what is not there yet."""
    development = "--dev" in sys.argv[1:]
    check_machine()
    if not is_current(development):
        if not (ENVIRONMENT / "bin" / "python").exists():
            make_environment()
        install(development)
    compile_loops()


if __name__ == "__main__":
    main()
