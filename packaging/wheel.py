"""Packs the program as a wheel, so that `pipx install` and `uv tool install` put it on the path.

    python3 packaging/wheel.py BINARY VERSION ARCH GLIBC OUT

GLIBC is the oldest version that the program runs with, or empty if it is static. Prints the wheel's name.
A wheel is a zip file of a form that the Python Packaging User Guide specifies ("Binary distribution format");
what it holds under NAME.data/scripts goes into the folder of programs. There is no Python in it.
"""

import base64
import hashlib
import os
import sys
import time
import zipfile
from pathlib import Path

binary, version, arch, glibc, out = sys.argv[1:]
root = Path(__file__).resolve().parent.parent
stem = f"postroom-{version}"
platform = f"manylinux_{glibc.replace('.', '_')}_{arch}" if glibc else f"musllinux_1_1_{arch}"
moment = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800))[:6]

metadata = f"""\
Metadata-Version: 2.4
Name: postroom
Version: {version}
Summary: Sends every school its own report, once, and can prove it
License-Expression: MIT OR Apache-2.0
License-File: LICENSE-MIT
License-File: LICENSE-APACHE
Keywords: mail-merge,email,smtp,batch
Classifier: Environment :: Console
Classifier: Topic :: Communications :: Email
Description-Content-Type: text/markdown

{(root / "README.md").read_text(encoding="utf-8")}"""

wheel = f"""\
Wheel-Version: 1.0
Generator: postroom-packaging
Root-Is-Purelib: false
Tag: py3-none-{platform}
"""

info = f"{stem}.dist-info"
files = {
    f"{stem}.data/scripts/postroom": (Path(binary).read_bytes(), 0o755),
    f"{info}/METADATA": (metadata.encode(), 0o644),
    f"{info}/WHEEL": (wheel.encode(), 0o644),
}
for licence in ("LICENSE-MIT", "LICENSE-APACHE"):
    files[f"{info}/licenses/{licence}"] = ((root / licence).read_bytes(), 0o644)

record = ""
for name, (contents, _) in files.items():
    digest = base64.urlsafe_b64encode(hashlib.sha256(contents).digest()).rstrip(b"=").decode()
    record += f"{name},sha256={digest},{len(contents)}\n"
files[f"{info}/RECORD"] = (f"{record}{info}/RECORD,,\n".encode(), 0o644)

name = f"{stem}-py3-none-{platform}.whl"
with zipfile.ZipFile(Path(out) / name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path, (contents, mode) in files.items():
        entry = zipfile.ZipInfo(path, moment)
        entry.external_attr = (0o100000 | mode) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, contents)
print(name)
