"""NFC tags in stamps: the second factor that presses of value need."""

from __future__ import annotations

import numpy as np
from stampbench.bench.scenarios.city_day.stage import Merchant, Stage, Stamp
from stampbench.sim.credentials.nfc.reader import Reader, personalise
from stampbench.sim.credentials.nfc.tag import Tag as NfcTag
from stampbench.sim.service.presses.credentials import SUN_URL, tag_keys


class Tag:
    """The tag of one stamp, paired with it at the service."""

    def __init__(self, stage: Stage, merchant: Merchant, stamp: Stamp, rng: np.random.Generator) -> None:
        uid = b"\x04" + rng.bytes(6)
        self._tag, self._rng = NfcTag(uid, rng), rng
        personalise(self._tag, tag_keys(stage.secret), SUN_URL, rng)
        path = f"{merchant.path}/stamps/{stamp.number}/credentials"
        stage.need("POST", path, merchant.server_key, {"uid": uid.hex()})

    def url(self) -> str:
        """What a phone reads in one tap."""
        self._tag.power_up()
        return Reader(self._tag.transceive, self._rng).read_url()
