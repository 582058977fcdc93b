"""Every limit of the gate: a name, a number, a reason. ``docs/limits.md`` lists the same; a test compares them.

A limit is reached, never crossed by an exception: the outcome of each stands in ``docs/failure.md``.
"""

from __future__ import annotations

# --- the connection -------------------------------------------------------------------------------------------
MAX_CONNECTIONS = 200
"""Open client connections a process; Postfix's default process limit is 100, so two full Postfixes fit."""
MAX_COMMAND_LINE = 1024
"""Octets of a command line with CRLF: RFC 5321 asks for 512 plus what its extensions add (DSN's ORCPT: 500)."""
MAX_RECIPIENTS = 100
"""Recipients a transaction: the least RFC 5321 section 4.5.3.1.8 allows a server to take."""
MAX_ERRORS = 10
"""Refused commands before 421; Postfix's soft limit."""
MAX_JUNK_COMMANDS = 100
"""NOOP, RSET, VRFY and the like between two mails before 421; Postfix's ``smtpd_junk_command_limit``."""
MAX_MESSAGES_PER_CONNECTION = 1000
"""So that connections move on to a freshly started process."""
COMMAND_TIMEOUT = 60.0
"""Seconds of silence before 421; a mail server beside us never thinks that long between two commands."""
DATA_TIMEOUT = 300.0
"""Seconds for the whole transfer of one message: RFC 5321 section 4.5.3.2.5 gives 180 s a block."""
TLS_TIMEOUT = 10.0
"""Seconds for a TLS handshake; a slow one takes two round trips and a signature."""
LINGER = 1.0
"""Seconds that what a client still sends is thrown away after our last word, so that the word arrives."""
MEMORY_BUDGET = 536_870_912
"""Octets (512 MiB) that all messages on their way may take together in one process; beyond it 452."""
MEMORY_FACTOR = 4
"""Copies of a message that may exist at once: as it arrives, as a whole, decoded, and a variant."""

# --- one message ----------------------------------------------------------------------------------------------
MAX_MESSAGE_SIZE = 26_214_400
"""Octets (25 MiB): what the large mailbox providers take."""
SIZE_MARGIN = 65_536
"""Octets kept free below the next hop's SIZE, for the footer, wrapped addresses and our Received field."""
MAX_LINE = 8192
"""Octets of a text line with CRLF that we pass on; RFC 5321 says 1000, real mailers send more."""
MAX_HEADER_BYTES = 131_072
"""Octets of the top header block; Postfix's ``header_size_limit`` is 102,400."""
MAX_RECEIVED = 50
"""Received fields before a mail counts as looping; Postfix's ``hopcount_limit``."""
MAX_DEPTH = 30
"""MIME nesting that is searched; deeper parts stay untouched and the mail counts as unreadable."""
MAX_PARTS = 500
"""MIME parts that are searched; more, and the mail counts as unreadable."""
MAX_TEXT_PART = 4_194_304
"""Decoded octets of one text part that is searched: a tenth of a second of work; newsletters are below 0.5 MB."""
MAX_FINDINGS = 5000
"""Trackers in one mail; each may become an address of 1 KB."""
MAX_FRAME_DEPTH = 3
"""``srcdoc`` pages inside each other that are searched; a deeper one, and the mail counts as unreadable."""
MAX_READINGS = 4
"""Times the length of a page that may be spent on reading it in other ways; more, and the mail counts as
unreadable. A real page with SVG takes a little over one."""
MAX_STRETCH = 65_536
"""Octets of a piece of a page that is remembered, so that the next copy of a mailing need not be read again."""
STRETCH_MEMORY = 8_388_608
"""Octets (8 MiB) that these pieces take in a process, some fifty mailings; beyond it all are forgotten."""
STRETCHES_SEEN = 50_000
"""Pieces that came once, 100 octets each, of which some will come again; beyond it all are forgotten."""
TARGETS_REMEMBERED = 2048
"""Targets of links whose end a process knows, and as many encoded ones: all copies of a mailing have the same."""
MAX_TARGET_REMEMBERED = 512
"""Characters of such a target, or of a plain address that is known again; so that all take 8 MiB at most."""
PLAIN_REMEMBERED = 4096
"""Plain links and pictures that a process knows again: those of a house's signatures and mailings."""
MAX_LINE_OUT = 998
"""Octets of a line that we write, without CRLF: RFC 5322 section 2.1.1."""
MAX_QP_LINE = 76
"""Characters of a quoted-printable line: RFC 2045 section 6.7 (5)."""
MAX_URL = 2048
"""Characters of an address that is judged; a longer one is a tracker or broken, and counts as opaque."""
MAX_WRAPPED_URL = 600
"""Octets of a vendor's address that is put into a token: the wrapped one must fit a line of 998."""
MAX_ASKED_URL = 960
"""Octets of a vendor's address that an ask page can lead to: its token must stay below ``MAX_TOKEN``."""
MAX_UNWRAP_DEPTH = 5
"""Redirects inside redirects that are decoded (three is the most seen in real mail)."""
MAX_INFLATED = 16_384
"""Octets that a compressed target may grow to: eight times the longest address; Mailgun's grow to twice theirs."""

MAX_FOOTER = 16_384
"""Octets of a footer of the user's own; mail programs cut off what is longer than some 100 KB in all."""
MAX_FOOTER_LINE = 700
"""Octets of a line in it: with the withdrawal address, at most 200 octets, it must fit a line of 998."""

# --- delivery -------------------------------------------------------------------------------------------------
REPLY_DEADLINE = 90.0
"""Seconds from the client's dot to our reply; Postfix gives a proxy 100 s."""
LAST_DOT_MARGIN = 20.0
"""Seconds that must be left when the dot goes to the next hop: a late 250 makes a client send again."""
CONNECT_TIMEOUT = 10.0
"""Seconds for connection, greeting and TLS at the next hop; postscreen's greet wait is 6."""
HOP_COMMAND_TIMEOUT = 15.0
"""Seconds for one command at the next hop."""
HOP_DATA_TIMEOUT = 60.0
"""Seconds from the dot to the next hop's reply; must stay below the deadline above."""
HOP_KEEP_IDLE = 30.0
"""Seconds an idle connection to the next hop is kept; Postfix closes one after 300 s, a stressed one after 10."""
HOP_MAX_MESSAGES = 100
"""Messages a connection to the next hop carries, as Postfix's ``smtp_connection_reuse_count_limit`` suggests."""
HOP_MAX_CONNECTIONS = 20
"""Connections a process uses at one time; Postfix's ``default_destination_concurrency_limit``."""
HOP_DOWN_MEMORY = 5.0
"""Seconds a next hop that did not answer comes last; with one hop only it is tried all the same."""
MAX_HOP_REPLY = 32_768
"""Octets of one reply of a next hop with all its lines: a long EHLO answer is 1 KB."""
MAX_PARALLEL_VARIANTS = 4
"""Variants of one message on their way at the same time: kind to the next hop."""
ACCEPTED_MEMORY = 604_800.0
"""Seconds an acceptance is remembered: 7 days, above Postfix's queue lifetime of 5."""
MAX_ACCEPTED = 100_000
"""Acceptances remembered; the oldest goes first and costs a possible duplicate, never a mail."""

# --- consent --------------------------------------------------------------------------------------------------
STORE_TIMEOUT = 0.15
"""Seconds for one look-up of all recipients; redis-py's own defaults stall for 4 to 40 s."""
BREAKER_FAILURES = 5
"""Failed look-ups in a row before the store is left alone."""
BREAKER_PAUSE = 5.0
"""Seconds it is left alone: a withdrawal's five seconds are not touched, since no answer means untracked."""
CACHE_BUCKET = 128
"""People who share a key of the cache: with its own octets spread over more of them little is won, and to find one
among them takes longer."""
CACHE_BUCKET_FULL = 400
"""People in one key from which on the cache is loaded anew with more keys; up to 512 Redis keeps them packed."""
MAX_CACHE_BUCKETS = 2_097_152
"""Keys of one part of the cache, for 268 million people, since the scripts compute with 53 bits."""
MAX_VERIFY_AGAIN = 10_000
"""People whom a comparison of cache and ledger looks at twice, since decisions go on; more are plainly wrong."""
MAX_CACHE_REPLY = 1_048_576
"""Octets of all values of one look-up: those of 100 recipients are 4 KB."""
SENTINEL_TIMEOUT = 0.05
"""Seconds for one Sentinel: two that do not answer leave time for the third within ``STORE_TIMEOUT``."""
CLUSTER_LOOK = 1.0
"""Seconds between two times of learning which node of a Cluster has what, while something fails; and for one."""
STORE_CONNECTIONS = 16
"""Connections to the cache a process; a look-up holds one for a fifth of a millisecond."""
CACHE_WRITE_TIMEOUT = 1.0
"""Seconds for a write to the cache; the ledger has it already, and what fails is caught up."""
CACHE_LOAD_TIMEOUT = 10.0
"""Seconds for one batch of a reload; nobody waits for it."""
CATCH_UP_PERIOD = 1.0
"""Seconds between two looks of a process for events that the cache lacks."""
RECENT_PERIOD = 1.0
"""Seconds between two looks of a process for new withdrawals: one of another process holds here after it."""
RECENT_STALE = 5.0
"""Seconds after which a process that could not look no longer trusts the cache: mail goes untracked."""
MAX_RECENT = 50_000
"""Withdrawals kept beside the cache by a process; more, and the cache must catch up before it is trusted again."""
LEDGER_BUSY = 20.0
"""Seconds a writer waits for its turn at an SQLite ledger; a commit with its sync takes a few milliseconds."""
LEDGER_CONNECT = 3
"""Seconds until a server of PostgreSQL must have let us in; each host of an address that names several."""
LEDGER_LOCK = 4.0
"""Seconds a writer waits for its turn at a ledger on PostgreSQL; a piece of an import takes half a second."""
LEDGER_ANSWER = 5.0
"""Seconds for a statement on PostgreSQL, and without an octet of its server: then a person hears "not stored"."""
LEDGER_PAUSE = 30.0
"""Seconds a transaction on PostgreSQL may do nothing: a frozen client holds up all writers for so long."""
LEDGER_WALK = 3600.0
"""Seconds for a statement that goes through all rows (verify, rebuild, a change of layout); an operator watches."""
LEDGER_CONNECTIONS = 5
"""Connections to PostgreSQL a process; one writes at a time, the others read."""
CLOCK_SKEW = 300.0
"""Seconds by which two clocks may differ; within it the order of two decisions is uncertain, and no wins."""
LOADER_LEASE = 60.0
"""Seconds after which a reload that says nothing any more counts as dead and another may begin."""

OPENINGS_PERIOD = 300.0
"""Seconds between two writes of the days of last openings: nobody waits for them."""
MAX_OPENINGS = 100_000
"""Days of openings that wait to be written in a process, 20 MB; a mailing to a million brings fewer."""

HOOK_PERIOD = 1.0
"""Seconds between two looks for events that webhooks are to be told."""
HOOK_TIMEOUT = 10.0
"""Seconds for each step of one call: a CRM that does its work before it answers takes a few."""
HOOK_CALLS = 8
"""Calls of webhooks at the same time in a process; more endpoints than that wait for each other."""
HOOK_LEASE = 60.0
"""Seconds a process has the turn with an endpoint after each event; one that died lets it go then."""
HOOK_BATCH = 100
"""Events read at a time."""
HOOK_PAUSE_FIRST = 5.0
"""Seconds after the first failure, doubled after each further one."""
HOOK_PAUSE_MOST = 3600.0
"""Seconds between two attempts at most."""
MAX_HOOK_ATTEMPTS = 130
"""Attempts for one event, which take five days; then it is passed over and logged, or all others would wait."""

# --- imports --------------------------------------------------------------------------------------------------
MAX_IMPORT_LINE = 1_048_576
"""Octets of one line of JSON lines: a person's whole record of a large system is some kilobytes."""
MAX_IMPORT_PAGE = 16_777_216
"""Octets of one page of a web source, all in memory: a thousand records of a large system are a few megabytes."""
MAX_IMPORT_PAGES = 1_000_000
"""Pages of a web source: a hundred million people at a hundred a page; a source that turns in circles ends."""
IMPORT_TIMEOUT = 30.0
"""Seconds for a web source to connect, and between two octets of an answer; twice that for the whole of one."""
IMPORT_ATTEMPTS = 5
"""Times a page is asked for that says come again, or cannot be read."""
IMPORT_WAIT = 120.0
"""Seconds waited between two of them at most: limits of a minute are usual."""

# --- learning -------------------------------------------------------------------------------------------------
LEARN_COPIES = 20
"""Copy from which on what was learnt is acted upon: 19 others differed; a test mail to a team has fewer."""
LEARN_SHARE = 0.9
"""Share of values that one reader only got, from which on they are the readers' own: test mails repeat some."""
LEARN_ENOUGH = 200
"""Copies after which a skeleton is counted now and then only: what it is shows long before."""
LEARN_QUIET = 300.0
"""Seconds between two counts of such a one by a process."""
LEARN_PAUSE = 0.25
"""Seconds between two round trips for what was seen: so many copies of a burst may pass before it is learnt."""
LEARN_REFRESH = 5.0
"""Seconds between two readings of all that was learnt: what another process learnt holds here after it."""
LEARN_TIMEOUT = 2.0
"""Seconds for a round trip; nobody waits for it."""
LEARN_RETRY = 10.0
"""Seconds a store that did not answer is left alone; what is seen meanwhile is not counted."""
MAX_LEARN_MAILS = 500
"""Mails of a process that wait to be counted, some 10 KB each; more than come in a pause, the oldest goes first."""
MAX_LEARN_ADDRESSES = 200
"""Addresses of one mail that are counted; a newsletter has 60 that nothing else speaks about."""
MAX_LEARN_ALIKE = 8
"""Addresses of one mail counted with the same beginning: its forty links say no more than eight of them."""
MAX_LEARN_BATCH = 100
"""Skeletons in one round trip: the store serves nobody else meanwhile, here about 3 ms."""
MAX_SKELETONS = 5000
"""Skeletons counted, of all sender domains; beyond it the one that would be forgotten first goes."""
LEARN_MEMORY = 604_800.0
"""Seconds without a copy after which a skeleton is forgotten of which nothing was learnt: 7 days."""
LEARNT_MEMORY = 7_776_000.0
"""Seconds without a copy after which a learnt one is forgotten: 90 days, a tool that is used each quarter."""

# --- names in DNS ---------------------------------------------------------------------------------------------
ALIAS_BUDGET = 0.2
"""Seconds a mail waits for the CNAME records of all its hosts; what comes later is known for the next mail."""
ALIAS_TIMEOUT = 5.0
"""Seconds for one question in the background, dnspython's own: a server far away that must ask others first."""
ALIAS_MEMORY = 3600.0
"""Seconds an alias is remembered at most, whatever its TTL says: a host that moves is seen within the hour."""
ALIAS_MEMORY_LEAST = 60.0
"""Seconds it is remembered at least: TTLs of a few seconds would have the next mail wait again."""
ALIAS_MEMORY_NONE = 900.0
"""Seconds a host that is no alias is remembered as such; negative answers may be kept for hours (RFC 2308)."""
ALIAS_FAILED_MEMORY = 60.0
"""Seconds after a question without an answer before it is asked again."""
MAX_ALIAS_CHAIN = 5
"""Aliases of aliases that are followed: a company's own and its vendor's make two or three."""
MAX_ALIASES = 10_000
"""Hosts remembered by a process, 1 KB each at most; the one that was asked longest ago goes first."""
MAX_ALIASES_PER_MAIL = 30
"""Unknown hosts of one mail that are asked for; a newsletter has a dozen, and the next mail asks for the rest."""
MAX_ALIASES_ASKED = 200
"""Questions under way at one time in a process: sockets, and kindness to the DNS server."""

# --- web ------------------------------------------------------------------------------------------------------
MAX_TOKEN = 1400
"""Characters of a token that is looked at: above the longest one that we make."""
MAX_WEB_CONNECTIONS = 1000
"""Open connections of a web process before it answers 503: an opened mail takes two, for a moment."""
WEB_KEEP_ALIVE = 15
"""Seconds an idle web connection is kept: the pixels of one mail come within that."""
MAX_WEB_HEAD = 16_384
"""Octets of a request's line and header fields: a browser's take 2 KB, the longest token 1.4."""
WEB_HEAD_TIME = 10.0
"""Seconds for them to arrive, and for a body that nobody reads: a phone at the edge of its net takes two."""
MAX_FORM_BODY = 1024
"""Octets of a form that is read: the longest of ours takes 600."""
MAX_API_BODY = 65_536
"""Octets of a request to the API: a batch of the largest number with all fields of usual length."""
WEB_BODY_TIME = 10.0
"""Seconds for a body to arrive, once somebody reads it."""
MAX_STRANGERS_PER_NETWORK = 10
"""Requests a minute from one network for what is not there or with a bad token or key, before 429 says so."""
MAX_PAGES_PER_NETWORK = 600
"""Pages a minute for one network, withdrawals not counted: an office behind one address reads a newsletter."""
MAX_POSTS_PER_TOKEN = 30
"""Forms a minute for one person's page, withdrawals not counted: each is an event that is kept for good."""
MAX_HITS_PER_TOKEN = 60
"""Times a minute that one pixel or link may be alive: mail programs load a picture a few times."""
MAX_API_BATCH = 100
"""Decisions of one call of the API: they are one transaction, and other writers wait some milliseconds."""
MAX_API_CALLS = 600
"""Calls a minute with one key: with full batches sixty thousand decisions, more than a form ever brings."""
MAX_METERED = 50_000
"""Networks or tokens counted at one time in a process, for each of the numbers above: 10 MB."""
MAX_PROXY_HOPS = 10
"""Addresses of X-Forwarded-For that are read, from its end."""
WEB_DRAIN_TIME = 10
"""Seconds that requests under way may take when the web part stops; they answer in milliseconds."""

FORM_TIME = 14_400
"""Seconds (4 hours) in which the answer of an open page may switch something on: not that of a forgotten tab."""
CONFIRM_TIME = 259_200
"""Seconds (3 days) that the link of a message to confirm works: over a weekend, and no longer."""
MAX_CONFIRM_MAILS = 3
"""Messages to confirm that one person gets a day from a web process: a link that was forwarded fills no mailbox."""
MAX_CONFIRM_PEOPLE = 10_000
"""People for whom that is counted in a process; the one who asked longest ago is forgotten first."""
MAX_LOGO = 102_400
"""Octets (100 KiB) of a logo: on a phone it comes with the page; drawings take 5 KB."""
MAX_PAGE_TEMPLATE = 32_768
"""Octets of one page template of the user's own: ours take at most 3 KB."""
MAX_PAGE = 30_000
"""Octets of a page: a fifth of a second on a slow phone line; ours take at most 14 KB."""
CONFIRM_MAIL_DEADLINE = 40.0
"""Seconds for such a message at the next hop: a person waits for the page."""

# --- audit -----------------------------------------------------------------------------------------------------
AUDIT_QUEUE = 32
"""Mails of the sample that wait to be read again in a process; more are dropped and counted."""
AUDIT_MAX_SIZE = 1_048_576
"""Octets of a mail that is read again: a tree takes a hundred times what its text takes."""
AUDIT_TIMEOUT = 30.0
"""Seconds for one reading, the reader's start included; then it is ended, and the next mail gets a new one."""

# --- processes ------------------------------------------------------------------------------------------------
SHUTDOWN_GRACE = 100.0
"""Seconds a worker may take to finish running deliveries: the reply deadline and a little."""
RESPAWN_LIMIT = 5
"""Workers that may die within the window below; more, and the process gives up and lets systemd restart it."""
RESPAWN_WINDOW = 60.0
"""Seconds."""
