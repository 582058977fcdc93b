"""Outgoing webhooks: decisions are told to the CRM or mailing tool, in order, at least once.

``endpoint`` is who is told, ``letter`` what is said and how it is signed, ``call`` how it gets there, ``courier``
when.
"""
