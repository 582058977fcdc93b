"""The front door for mail: SMTP and LMTP, translating only.

``server`` listens, ``connection`` and ``session`` talk, ``house`` is what they share. ``reader``, ``data``,
``path``, ``parameters``, ``xforward`` and ``fold`` know no socket and are tested without one.
"""
