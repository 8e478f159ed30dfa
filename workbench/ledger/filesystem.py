"""What the folder under a ledger file can and cannot promise."""

import os
from pathlib import Path

_SHARED = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "glusterfs", "lustre", "afs", "fuse.sshfs"}
_MEMORY = {"tmpfs", "ramfs"}
MOUNTS = Path("/proc/self/mounts")


def kind(path: Path, mounts: Path = MOUNTS) -> str:
    """Type of the filesystem that holds `path`, '' where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    where = os.path.realpath(path)
    best, found = -1, ""
    for line in lines:
        _, point, kind_, *_ = line.split(" ")
        point = point.encode().decode("unicode_escape")  # a space is written \040
        if len(point) >= best and (where == point or where.startswith(point.rstrip("/") + "/")):
            best, found = len(point), kind_
    return found


def caveat(path: Path, mounts: Path = MOUNTS) -> str:
    """What cannot be promised for a ledger at `path`; '' where all can."""
    found = kind(path, mounts)
    if found in _MEMORY:
        return f"{path} lies in memory ({found}): a restart or power loss forgets everything; name a folder on a disk"
    if found in _SHARED:
        return (
            f"{path} lies on a shared folder ({found}): locks and power loss are in other hands, and two machines "
            "writing it will corrupt it; name a local folder, or a PostgreSQL URL for several machines"
        )
    if found.startswith("fuse"):
        return f"{path} lies on {found}: whether a write survives a power loss is up to that program"
    return ""
