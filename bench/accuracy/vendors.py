"""Which vendor file each name in the corpus's list of trackers stands for."""

from __future__ import annotations

IDS = {
    "amazon": "amazon",
    "aws-ses": "amazon_ses",
    "cirrusinsight": "cirrus_insight",
    "constantcontact": "constant_contact",
    "campaignmonitor": "campaign_monitor",
    "customer.io": "customerio",
    "adobe-campaign": "adobe_campaign",
    "brevo-tracked-content-image": "brevo",
    "google-analytics": "google_analytics",
    "google-notifications": "google",
    "google-redirect": "",
    "hubspot-sales": "hubspot",
    "microsoft-account": "microsoft",
    "movable-ink": "movableink",
    "returnpath": "validity",
    "salesforce-core": "salesforce_core",
    "sfmc-exacttarget": "salesforce_marketing_cloud",
    "swpmkt": "locaweb",
    "krux-salesforce-dmp": "ad_pixels",
    "epsilon": "movableink",
    "affiliate-1x1": "hasoffers",
    "telegram-bot-beacon": "own_trackers_misc",
    "proofpoint-urldefense": "",
    "safelinks": "",
}
"""Names that differ from the file's id; empty for those that are no tracker of a sender: rewriters on the
recipient's side, which wrapped what was received before, and the redirect of a search engine."""

UNKNOWN = "?"
"""The list's word for a pixel that none of its patterns knows."""


def ids_of(guess: str) -> tuple[str, ...]:
    """Vendor ids that a name of the list may stand for; several when a vendor sends through another."""
    names = guess.replace("/", ",").split(",")
    return tuple(dict.fromkeys(filter(None, (IDS.get(name, name.replace("-", "_")) for name in names))))
