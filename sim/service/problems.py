"""What the service answers when it does not do what was asked."""

from __future__ import annotations

from typing import ClassVar

from stampbench.firmware_emulator.errors import InputError


class ServiceError(InputError):
    """The root: ``status`` is HTTP's, ``code`` is for programs, the message for people."""

    status: ClassVar[int] = 400

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class MalformedError(ServiceError):
    """The request has the right form and makes no sense."""

    status = 422


class UnauthorisedError(ServiceError):
    """No key, or one that is not known or was withdrawn."""

    status = 401


class ForbiddenError(ServiceError):
    """The key is not for this."""

    status = 403


class NotFoundError(ServiceError):
    """Nothing there, or nothing that this key may see: the two look alike."""

    status = 404


class ConflictError(ServiceError):
    """It was done before, is being done, or stands in another state."""

    status = 409
