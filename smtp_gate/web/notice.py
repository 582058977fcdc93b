"""What pages say of a controller."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smtp_gate.policy.rules import Controller
    from smtp_gate.web.brand import Brand


@dataclass(frozen=True, slots=True)
class ControllerNotice:
    """Who is behind the mails, as pages name it.

    Attributes:
        name: as people know it, such as ``Acme SAS``; empty when no controller is known.
        privacy_url: its privacy notice, http or https; empty for none.
        contact: an e-mail address or a web address; empty for none.
        language: two letters; what pages speak to a browser that asks for nothing we have.
        mail_from: address that messages to confirm come from; empty: none can be sent.
        brand: logo, colours and templates of its own; None: all is ours.
    """

    name: str
    privacy_url: str = ""
    contact: str = ""
    language: str = "en"
    mail_from: str = ""
    brand: Brand | None = None


_MAIL = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9.-]+")
NOBODY = ControllerNotice("")


def notices_of(
    controllers: Iterable[Controller], brands: Mapping[str, Brand] | None = None
) -> dict[str, ControllerNotice]:
    """What pages say of each controller of the policy, by its id.

    Args:
        controllers: of the policy.
        brands: how the pages look of those that have their own.
    """
    return {
        controller.id: ControllerNotice(
            controller.name,
            controller.privacy_url,
            controller.contact,
            controller.language,
            controller.mail_from or _mail_of(controller.contact),
            (brands or {}).get(controller.id),
        )
        for controller in controllers
    }


def _mail_of(contact: str) -> str:
    return contact if _MAIL.fullmatch(contact) else ""
