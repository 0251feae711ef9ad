"""Elements of JUnit XML: what pytest's xunit2 and Jenkins' xUnit plugin (``junit-10.xsd``) both allow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

# Characters that XML 1.0 cannot carry (W3C Recommendation, 5th edition, production 2, Char).
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(
    name: str,
    cases: Sequence[ElementTree.Element],
    values: Mapping[str, object],
    *,
    seconds: float,
    started_at: str,
    station: str,
) -> bytes:
    """Return the document of one test suite, its cases counted by how they ended."""
    suite = ElementTree.Element(
        "testsuite",
        {
            "name": legal(name),
            "tests": str(len(cases)),
            "failures": str(sum(case.find("failure") is not None for case in cases)),
            "errors": str(sum(case.find("error") is not None for case in cases)),
            "skipped": str(sum(case.find("skipped") is not None for case in cases)),
            "time": f"{seconds:.3f}",
            "timestamp": started_at,
            "hostname": legal(station),
        },
    )
    properties(suite, values)
    suite.extend(cases)
    root = ElementTree.Element("testsuites", {"name": "stampbench"})
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def properties(parent: ElementTree.Element, values: Mapping[str, object]) -> None:
    """Add values by name; None is empty."""
    properties = ElementTree.SubElement(parent, "properties")
    for name, value in values.items():
        text = "" if value is None else legal(str(value))
        ElementTree.SubElement(properties, "property", {"name": legal(name), "value": text})


def system_out(case: ElementTree.Element, lines: Sequence[str]) -> None:
    """Add what the case printed."""
    ElementTree.SubElement(case, "system-out").text = legal("\n".join(lines))


def legal(text: str) -> str:
    """Return a text with what XML cannot carry replaced."""
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
