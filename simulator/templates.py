"""Fills in the templates of the rules: `{name}`, `{cluster:last}`, `{digits:21}`, `{address}` and the like."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from simulator.values import Properties, is_list, is_object, is_unknown

_ALPHABETS = {"digits": "0123456789", "hex": "0123456789abcdef", "base32": "abcdefghijklmnopqrstuvwxyz234567"}


class UnknownFieldError(Exception):
    """A template needs a value that is not known before the deployment."""


class Text(str):
    """A string of which a template can take the part after the last slash: `{network:last}`."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        if is_unknown(self):
            raise UnknownFieldError
        return self.rpartition("/")[2] if spec == "last" else str(self)


class Fields(dict[str, object]):
    """Values for the templates of one resource: its properties, and what a cloud makes up.

    What is made up follows from `seed`, so that the same resource always gets the same. Addresses come from `address`.
    """

    def __init__(self, properties: Properties, seed: str = "", address: Callable[[], str] | None = None) -> None:
        super().__init__({key: Text(value) for key, value in properties.items() if isinstance(value, str)})
        self._seed = seed
        self._address = address

    def __missing__(self, key: str) -> object:
        match key:
            case "digits" | "hex" | "base32":
                return _Digits(self._seed, _ALPHABETS[key])
            case "fingerprint":
                return base64.b64encode(hashlib.sha256(self._seed.encode()).digest()[:8]).decode()
            case "certificate":
                # clearly no certificate, yet PEM in base64 as clients expect it
                text = base64.b64encode(b"simulated: no certificate authority is behind this").decode()
                pem = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
                return base64.b64encode(pem.encode()).decode()
            case "project_number":
                return format(_Digits(f"{self['project']}", "0123456789"), "12")
            case "address" if self._address:
                return self._address()
            case _:
                raise UnknownFieldError

    def fill(self, template: Any) -> Any:  # Any: any JSON
        """The template with every field in it replaced.

        Raises:
            UnknownFieldError: a field is not known.
        """
        if isinstance(template, str):
            return template.format_map(self)
        if is_object(template):
            return {key: self.fill(item) for key, item in template.items()}
        if is_list(template):
            return [self.fill(item) for item in template]
        return template

    def fill_known(self, templates: Properties) -> Properties:
        """Those of the templates whose fields are all known."""
        filled: Properties = {}
        for key, template in templates.items():
            try:
                filled[key] = self.fill(template)
            except UnknownFieldError:
                continue
        return filled


class _Digits:
    """Digits that follow from a seed: `{digits:21}` is 21 of them, the first not 0."""

    def __init__(self, seed: str, alphabet: str) -> None:
        self._number = int.from_bytes(hashlib.sha512(seed.encode()).digest())
        self._alphabet = alphabet

    def __format__(self, spec: str) -> str:
        base = len(self._alphabet)
        number = self._number
        digits = [self._alphabet[1 + number % (base - 1)]]
        while len(digits) < int(spec):
            number //= base
            digits.append(self._alphabet[number % base])
        return "".join(digits)


def random_digits(seed: bytes, count: int) -> str:
    """Hexadecimal digits for an automatic name. The same seed gives the same digits."""
    return hashlib.sha256(seed).hexdigest()[:count]
