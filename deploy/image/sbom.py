"""Prints the packages of this environment as a CycloneDX 1.6 document."""

import json
import re
from importlib.metadata import distributions

components = []
for package in distributions():
    name = re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower()
    purl = f"pkg:pypi/{name}@{package.version}"
    component = {
        "type": "library",
        "name": name,
        "version": package.version,
        "purl": purl,
        "bom-ref": purl,
    }
    if expression := package.metadata.get("License-Expression"):
        component["licenses"] = [{"expression": expression}]
    components.append(component)
components.sort(key=lambda component: component["name"])
document = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": components,
}
print(json.dumps(document, indent=1))
