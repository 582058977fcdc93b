"""smtp_gate: trackers leave the company only with the recipient's consent.

The rows, top to bottom; imports go down only (``tests/test_layers.py``):

8. ``__main__``
7. ``cli``: one file a command group
6. ``listener`` (SMTP and LMTP), ``web``: front doors, translate only
5. ``gate``: one message's journey; store, deliverer and clock come in through its constructor
4. ``config``, ``consent``, ``delivery``, ``observe``: one file per thing outside
3. ``policy``, ``scan``, ``render``, ``trackers``, ``tokens``: pure, bytes and values in, values out
2. ``errors``, ``limits``, ``model``, ``transfer``: the words, and how a part is encoded
1. ``replies``: every SMTP reply we can give

``docs/flow.md`` tells one message's way in the order of ``gate``.
"""

__version__ = "0.1.0"
