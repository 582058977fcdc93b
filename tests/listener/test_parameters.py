"""ESMTP parameters: what was offered, in the form of its RFC, and nothing else."""

from __future__ import annotations

import pytest

from smtp_gate.listener.parameters import Mail, Offered, read_mail, read_recipient
from smtp_gate.model import Recipient, Sender
from smtp_gate.replies import BAD_ARGUMENT, BAD_PARAMETER, TOO_BIG, UTF8_NEEDED, Reply

ALL = Offered(1000, eightbit=True, smtputf8=True, dsn=True, extended=True)
BARE = Offered(1000, extended=True)
HELO = Offered(1000)


def mail(words: bytes, offered: Offered = ALL, address: bytes = b"a@x") -> Mail | Reply:
    """Judge the words of one MAIL command."""
    return read_mail(address, words.split(), offered)


def test_what_goes_on_goes_on_as_it_was_written_and_the_rest_does_not() -> None:
    words = b"size=100 BODY=8bitmime AUTH=<> SMTPUTF8 ret=HDRS ENVID=QQ+2B1"
    assert mail(words) == Mail(
        Sender(
            b"a@x", (b"BODY=8bitmime", b"SMTPUTF8", b"ret=HDRS", b"ENVID=QQ+2B1"), smtputf8=True, body=b"8BITMIME"
        ),
        100,
    )


def test_without_parameters_there_are_none() -> None:
    assert mail(b"", HELO) == Mail(Sender(b"a@x"), 0)


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (b"SIZE=1001", TOO_BIG),
        (b"SIZE=99999999999999999999", TOO_BIG),
        (b"SIZE=999999999999999999999", BAD_ARGUMENT),
        (b"SIZE", BAD_ARGUMENT),
        (b"SIZE=-1", BAD_ARGUMENT),
        (b"SIZE=1e3", BAD_ARGUMENT),
        (b"SIZE=1 SIZE=1", BAD_ARGUMENT),
        (b"BODY=BINARYMIME", BAD_ARGUMENT),
        (b"BODY", BAD_ARGUMENT),
        (b"SMTPUTF8=yes", BAD_ARGUMENT),
        (b"RET=ALL", BAD_ARGUMENT),
        (b"ENVID=a=b", BAD_ARGUMENT),
        (b"ENVID=a+2b", BAD_ARGUMENT),
        (b"ENVID=" + b"a" * 101, BAD_ARGUMENT),
        (b"AUTH", BAD_ARGUMENT),
        (b"AUTH=a=b", BAD_ARGUMENT),
        (b"=", BAD_ARGUMENT),
        (b"X=", BAD_ARGUMENT),
        (b"-X=1", BAD_ARGUMENT),
        (b"NOTIFY=NEVER", BAD_PARAMETER),
        (b"HOLDFOR=10", BAD_PARAMETER),
        (b"junk", BAD_PARAMETER),
    ],
)
def test_a_faulty_mail_parameter_is_refused(words: bytes, reply: Reply) -> None:
    assert mail(words) is reply


@pytest.mark.parametrize("words", [b"AUTH=<>", b"AUTH=a@x", b"AUTH=e+3Dmc2@example.com"])
def test_auth_is_taken_and_dropped(words: bytes) -> None:
    assert mail(words) == Mail(Sender(b"a@x"), 0)


@pytest.mark.parametrize("words", [b"BODY=8BITMIME", b"BODY=7BIT", b"SMTPUTF8", b"RET=FULL", b"ENVID=q"])
def test_what_was_not_offered_is_refused(words: bytes) -> None:
    assert mail(words, BARE) is BAD_PARAMETER


def test_after_helo_there_are_no_parameters() -> None:
    assert mail(b"SIZE=1", HELO) is BAD_PARAMETER


def test_an_address_beyond_ascii_needs_smtputf8() -> None:
    address = "ü@x".encode()
    assert mail(b"", ALL, address) is UTF8_NEEDED
    assert mail(b"BODY=8BITMIME", ALL, address) is UTF8_NEEDED
    assert isinstance(mail(b"SMTPUTF8", ALL, address), Mail)
    assert read_recipient(address, (), ALL, utf8=False) is UTF8_NEEDED
    assert read_recipient(address, (), ALL, utf8=True) == Recipient(address)


@pytest.mark.parametrize(
    "words",
    [
        b"NOTIFY=NEVER",
        b"notify=success,FAILURE,delay",
        b"NOTIFY=FAILURE ORCPT=rfc822;b+40x@example.com",
        b"ORCPT=rfc822;b@x",
        b"ORCPT=utf-8;b\\x{FC}@x",
    ],
)
def test_delivery_notice_parameters_go_on_as_they_were_written(words: bytes) -> None:
    assert read_recipient(b"b@x", words.split(), ALL, utf8=False) == Recipient(b"b@x", tuple(words.split()))


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (b"NOTIFY=NEVER,SUCCESS", BAD_ARGUMENT),
        (b"NOTIFY=NEVER,x", BAD_ARGUMENT),
        (b"NOTIFY=SUCCESS,SUCCESS", BAD_ARGUMENT),
        (b"NOTIFY=", BAD_ARGUMENT),
        (b"NOTIFY", BAD_ARGUMENT),
        (b"NOTIFY=DELAY NOTIFY=NEVER", BAD_ARGUMENT),
        (b"ORCPT=b@x", BAD_ARGUMENT),
        (b"ORCPT=rfc822;a=b", BAD_ARGUMENT),
        (b"ORCPT=rfc822;" + b"b" * 501, BAD_ARGUMENT),
        ("ORCPT=utf-8;ü@x".encode(), BAD_ARGUMENT),
        (b"SIZE=1", BAD_PARAMETER),
        (b"junk", BAD_PARAMETER),
    ],
)
def test_a_faulty_recipient_parameter_is_refused(words: bytes, reply: Reply) -> None:
    assert read_recipient(b"b@x", words.split(b" "), ALL, utf8=False) is reply


def test_an_original_recipient_beyond_ascii_needs_smtputf8() -> None:
    word = "ORCPT=utf-8;ü@x".encode()
    assert read_recipient(b"b@x", [word], ALL, utf8=True) == Recipient(b"b@x", (word,))
    assert read_recipient(b"b@x", ["ORCPT=utf-8;ü@x".encode("latin-1")], ALL, utf8=True) is BAD_ARGUMENT


def test_delivery_notices_that_were_not_offered_are_refused() -> None:
    assert read_recipient(b"b@x", [b"NOTIFY=NEVER"], BARE, utf8=False) is BAD_PARAMETER
