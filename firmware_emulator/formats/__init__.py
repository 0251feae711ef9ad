"""Wire formats of real rigs, written and read."""

from __future__ import annotations

from enum import StrEnum


class WireFormat(StrEnum):
    """What rigs speak on a serial line: our link, and the formats of other hardware."""

    LINK = "link"
    MUCA = "muca"
    MUCA_BYTES = "muca-bytes"
    MUCA_TOUCHES = "muca-touches"
    PX = "3m-px"
    PENMOUNT = "penmount"
    PENMOUNT_3000 = "penmount-3000"
    PRINTED = "printed-touches"
