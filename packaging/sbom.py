"""Prints the software bill of materials of the program, in CycloneDX 1.5 (ECMA-424): every crate that is
built into it on this kind of machine, with version, licence and hash.

    python3 packaging/sbom.py COMMIT

It holds no time and no random number, so that the same sources make the same file.
"""

import json
import re
import subprocess
import sys
import uuid
from pathlib import Path

root = Path(__file__).resolve().parent.parent
commit = sys.argv[1] if len(sys.argv) > 1 else ""


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout


target = re.search(r"^host: (.*)$", output("rustc", "-vV"), re.M)[1]
metadata = json.loads(
    output("cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}")
)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
program = metadata["resolve"]["root"]
checksums = {
    (name, version): checksum
    for name, version, checksum in re.findall(
        r'name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"',
        (root / "Cargo.lock").read_text(encoding="utf-8"),
    )
}


def needs(node):
    """What is built into a crate: not what only its tests or its build script use."""
    return sorted(
        dependency["pkg"]
        for dependency in nodes[node]["deps"]
        if any(kind["kind"] is None for kind in dependency["dep_kinds"])
    )


def reference(node):
    package = packages[node]
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(node, kind):
    package = packages[node]
    found = {
        "type": kind,
        "bom-ref": reference(node),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(node),
    }
    if package.get("description"):
        found["description"] = " ".join(package["description"].split())
    if package.get("license"):
        # An older way of writing "or".
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found


built = set()
ahead = [program]
while ahead:
    node = ahead.pop()
    if node not in built:
        built.add(node)
        ahead += needs(node)
crates = sorted(built, key=reference)
main = component(program, "application")
main["properties"] = [{"name": "postroom:commit", "value": commit}, {"name": "postroom:target", "value": target}]
name = f"{reference(program)} {commit} {target}"
print(
    json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
            "version": 1,
            "metadata": {"component": main},
            "components": [component(node, "library") for node in crates if node != program],
            "dependencies": [
                {"ref": reference(node), "dependsOn": [reference(other) for other in needs(node)]}
                for node in crates
            ],
        },
        indent=1,
        ensure_ascii=False,
    )
)
