"""A link that must work is known by what it says, in the languages people write in; a sentence is not believed."""

from __future__ import annotations

import pytest

from smtp_gate.trackers.functional import by_path, by_words


@pytest.mark.parametrize(
    "words",
    [
        *(
            "unsubscribe",
            "click here to unsubscribe",
            "opt out",
            "manage your email preferences",
            "view in browser",
        ),
        *(
            "view this email online",
            "reset your password",
            "verify your email address",
            "confirm your subscription",
        ),
        *(
            "confirm",
            "sign in",
            "log in to acme",
            "sign the document",
            "review and sign",
            "add to my google calendar",
            "join the meeting",
        ),
        *(
            "se désabonner",
            "me désinscrire",
            "gérer mes préférences",
            "voir en ligne",
            "réinitialiser mon mot de passe",
        ),
        *("confirmer mon adresse", "se connecter", "ajouter à mon agenda", "signer le contrat"),
        *(
            "abmelden",
            "newsletter abbestellen",
            "einstellungen ändern",
            "im browser ansehen",
            "passwort zurücksetzen",
        ),
        *("e-mail-adresse bestätigen", "darse de baja", "restablecer la contraseña", "confirmar el correo"),
        *("disiscriviti", "annulla l\u2019iscrizione", "reimposta la tua password", "conferma il tuo account"),
        *("cancelar inscrição", "redefinir senha", "confirme seu e-mail", "uitschrijven", "wachtwoord herstellen"),
        *("avregistrera", "återställ ditt lösenord", "wypisz się", "potwierdź adres e-mail", "zresetuj hasło"),
        *("odhlásit se", "отписаться", "войти", "please\u00a0 unsubscribe me"),
        *("  Unsubscribe\n  ", "UNSUBSCRIBE »"),
    ],
)
def test_words_that_say_it_clearly(words: str) -> None:
    assert by_words(words)


@pytest.mark.parametrize(
    "words",
    [
        *(
            "",
            "shop now",
            "read more",
            "our privacy policy",
            "buy online",
            "onlineshop",
            "learn how to sign contracts",
        ),
        *("sale: log in and save big on everything", "conference calendar", "confirmed speakers", "en savoir plus"),
        *("a password manager for teams", "mehr erfahren", "jetzt kaufen", "verified partners", "contact sales"),
        "unsubscribe " * 12,
    ],
)
def test_words_that_do_not(words: str) -> None:
    assert not by_words(words)


@pytest.mark.parametrize(
    "rest",
    [
        "/unsubscribe/1",
        "/account/reset-password?t=1",
        "/confirm?x=1",
        "/verify/abc",
        "/users/sign_in",
        "/a?X-Amz-Signature=1",
    ],
)
def test_paths_that_say_it(rest: str) -> None:
    assert by_path(rest)


@pytest.mark.parametrize(
    "rest", ["/", "/products/confirmed", "/blog/logins-explained", "/a?utm_campaign=x_invite_y", "/loginx"]
)
def test_paths_that_do_not(rest: str) -> None:
    assert not by_path(rest)
