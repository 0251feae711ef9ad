"""The stamp service's client, for apps, their servers and their tests; needs httpx (extra ``service``)."""

from stampbench.sim.service.client import (
    Client,
    PressAnswer,
    PressedStamp,
    PressedStore,
    ServiceProblemError,
    Verified,
)

__all__ = ["Client", "PressAnswer", "PressedStamp", "PressedStore", "ServiceProblemError", "Verified"]
