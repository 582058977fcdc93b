"""Who knows more of a mail's addresses than the mail itself: DNS knows where a host's name leads.

``aliases`` asks about the hosts of one mail within its time and remembers; ``resolver`` is DNS.
"""
