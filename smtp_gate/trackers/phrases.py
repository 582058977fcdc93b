"""What people write on links that must work, in eleven languages: opt-outs, and acts on one's own account.

One regular expression a line, over lower-case text without accents and with single blanks. ``^`` and ``$`` mark
words that count only when the link says nothing else.
"""

from __future__ import annotations

_YOUR = "(?:(?:your|my|the|this|a|an|new|e-?mail|newsletter|subscri(?:ption|ber)|notification|contact) )*"
_THIS = "(?:(?:it|this|the|e-?mail|message|mail|newsletter) )*"

PHRASES = {
    "en": rf"""
        un-?subscribe
        opt[ -]?out
        opt me out
        remove me
        stop (?:receiving|getting) (?:these )?e-?mails?
        (?:manage|update|change|edit|set|review|customi[sz]e) {_YOUR}(?:preferences|subscriptions?|settings|profile)
        (?:e-?mail|subscription|communication|contact|notification) (?:preferences|settings)
        (?:preferences?|subscriptions?) cent(?:er|re)
        (?:view|read|open|see|show|display) {_THIS}online
        (?:view|read|open|see|show|display) {_THIS}in .{{0,5}}(?:web ?)?browser
        (?:web|browser|online) ?version
        (?:forward|send) (?:(?:it|this|e-?mail) )*to a (?:friend|colleague)
        report (?:abuse|spam|as spam)
        (?:re-?set|change|choose|create|set(?: up)?|recover|forgot(?:ten)?) {_YOUR}(?:password|pass ?code|pin)
        password reset
        (?:confirm|verify|validate|activate) {_YOUR}(?:e-?mail|(?:e-?mail )?address|account|subscription)
        (?:confirm|verify|validate|activate) {_YOUR}(?:registration|sign-?up|identity|device|login|phone)
        ^(?:confirm|verify|validate|activate)(?: (?:now|here))?$
        ^yes,? (?:confirm|subscribe me)$
        ^(?:sign|log)[ -]?[io]n(?: (?:now|here|securely|(?:to|with|at) .{{1,40}}))?$
        magic link
        (?:accept|view|open) (?:the |your |this )?invit(?:e|ation)
        join (?:the |this )?(?:meeting|call|webinar)
        (?:e-?)?sign (?:the|your|this) (?:document|contract|agreement|quote|proposal)s?
        ^(?:review and )?(?:e-?)?sign(?: now| here| (?:document|contract|agreement|quote|proposal)s?)?$
        add (?:(?:it|this|event|the|to) )*(?:(?:my|your|google|outlook|apple|office) )*calendar
    """,
    "fr": r"""
        (?:se|me|vous) (?:desabonner|desinscrire)
        desabonne(?:r|z|ment)(?:-vous)?
        desinscri(?:re|ption|vez-vous)
        (?:gere[rz]|modifie[rz]|mettre a jour) (?:(?:mes|vos|les|mon|votre) )?(?:preferences|abonnements?|profil)
        (?:voir|lire|afficher|consulter|visualiser|ouvrir) .{0,30}(?:en ligne|navigateur)
        version (?:en ligne|web)
        (?:reinitialise|change|modifie|cree|defini|choisi)(?:[rz]|ssez) .{0,20}mot de passe
        mot de passe oublie
        (?:confirme|verifie|valide|active)[rz] (?:mon|votre|mes|cette|l')? ?(?:adresse|e-?mail|courriel|compte)
        (?:confirme|verifie|valide|active)[rz] (?:mon|votre|mes|cette|l')? ?(?:inscription|abonnement|identite)
        ^(?:je )?(?:confirme|verifie|valide|active)[rz]?$
        ^(?:se|me) connecter(?: .{1,40})?$
        ^connexion$
        ^connectez-vous(?: .{1,40})?$
        signe[rz] (?:le|ce|la|mon|votre|les) (?:document|contrat|devis|proposition)s?
        ajoute[rz] .{0,20}(?:agenda|calendrier)
        accepte[rz] l'invitation
        rejoindre (?:la reunion|le webinaire)
        transferer .{0,20}a un ami
        signaler (?:un abus|comme spam)
    """,
    "de": r"""
        abmelden
        abbestellen
        austragen
        (?:abbestellung|abmeldung)
        newsletter kundigen
        (?:einstellungen|praferenzen|profil|abonnements?) (?:verwalten|andern|bearbeiten|anpassen)
        (?:e-?mail|newsletter)-? ?einstellungen
        im (?:web-?)?browser (?:ansehen|anzeigen|offnen|lesen|betrachten)
        (?:online|web)-? ?(?:version|ansicht)
        online ansehen
        passwort (?:.{1,20} )?(?:zurucksetzen|andern|vergessen|festlegen|erstellen|wahlen)
        (?:e-?mail(?:-? ?adresse)?|adresse|konto|anmeldung) (?:jetzt )?(?:bestatigen|verifizieren|aktivieren)
        (?:registrierung|identitat|newsletter) (?:jetzt )?(?:bestatigen|verifizieren|aktivieren)
        ^(?:jetzt )?(?:bestatigen|aktivieren|verifizieren|anmelden|einloggen)$
        ^zum login$
        ^anmelden bei .{1,40}$
        (?:dokument|vertrag|angebot) (?:jetzt )?(?:unterschreiben|unterzeichnen|signieren)
        (?:zum|im) kalender (?:hinzufugen|speichern|eintragen)
        einladung annehmen
        an (?:einen freund|freunde) weiterleiten
    """,
    "es": r"""
        dar(?:me|se)? de baja
        (?:cancelar|anular) (?:(?:la|mi|su|tu) )?suscripcion
        dejar de recibir
        desuscribir(?:me|se)
        (?:gestionar|administrar|actualizar|cambiar|modificar) (?:(?:mis|tus|sus|las) )?preferencias
        (?:gestionar|administrar|cancelar) (?:(?:mis|tus|sus|las) )?suscripciones
        ver .{0,30}(?:navegador|en linea)
        version (?:web|en linea)
        (?:restablecer|cambiar|crear|recuperar) (?:(?:la|mi|tu|su) )?contrasena
        (?:confirma|verifica|valida|activa)r? (?:(?:el|la|mi|tu|su) )?(?:correo|e-?mail|direccion|cuenta)
        (?:confirma|verifica|valida|activa)r? (?:(?:el|la|mi|tu|su) )?(?:suscripcion|registro|identidad)
        ^(?:confirmar|verificar|activar|acceder|iniciar? sesion)$
        firmar? (?:el |este )?(?:documento|contrato)
        (?:anadir|agregar) .{0,20}calendario
        aceptar (?:la )?invitacion
    """,
    "it": r"""
        disiscriv(?:iti|ersi|imi|ere)
        disiscrizione
        (?:cancella(?:re|ti|mi)?|annulla) (?:la |l')?iscrizione
        (?:gestisci|modifica|aggiorna|gestire|modificare) (?:le )?(?:tue |mie )?(?:preferenze|iscrizioni)
        (?:visualizza|vedi|apri|leggi) .{0,30}(?:browser|online)
        versione (?:web|online)
        (?:reimposta|cambia|crea|recupera|reimpostare) (?:la )?(?:tua )?password
        (?:conferma|verifica|attiva|convalida) (?:(?:il|la|tuo|tua) )*(?:l')?(?:e-?mail|indirizzo|account)
        (?:conferma|verifica|attiva|convalida) (?:(?:il|la|tuo|tua) )*(?:l')?(?:iscrizione|registrazione|identita)
        ^(?:conferma|verifica|attiva|accedi)$
        firma (?:il |questo )?(?:documento|contratto)
        aggiungi .{0,20}calendario
        accetta (?:l')?invito
    """,
    "pt": r"""
        descadastrar(?:-se|-me)?
        (?:cancelar|anular) (?:(?:a|minha|sua) )?(?:inscricao|assinatura|subscricao)
        sair da lista
        deixar de receber
        remover meu e-?mail
        (?:gerenciar|gerir|atualizar|alterar) (?:(?:as|minhas|suas) )*preferencias
        (?:ver|visualizar|abrir) .{0,30}(?:navegador|online)
        versao (?:web|online)
        (?:redefinir|alterar|criar|recuperar|repor) (?:(?:a|sua|minha) )*(?:senha|palavra-passe)
        (?:confirm|verifi[cq]u?|valid|ativ)(?:ar|e) (?:(?:o|a|seu|sua|meu|minha) )*(?:e-?mail|endereco|conta)
        (?:confirm|verifi[cq]u?|valid|ativ)(?:ar|e) (?:(?:o|a|seu|sua|meu|minha) )*(?:inscricao|cadastro|identidade)
        ^(?:confirmar|verificar|ativar|entrar|iniciar sessao)$
        assinar (?:o |este )?(?:documento|contrato)
        adicionar .{0,20}calendario
        aceitar (?:o )?convite
    """,
    "nl": r"""
        uitschrijven
        afmelden
        schrijf (?:me|je|u) uit
        voorkeuren (?:beheren|wijzigen|aanpassen)
        bekijk .{0,30}(?:browser|online)
        (?:online|web)versie
        wachtwoord (?:.{1,20} )?(?:resetten|herstellen|wijzigen|vergeten|instellen)
        (?:bevestig|verifieer|activeer) (?:je|uw|mijn|het) (?:e-?mail(?:adres)?|adres|account)
        (?:bevestig|activeer) (?:je|uw|mijn|de) (?:inschrijving|aanmelding)
        ^(?:bevestigen|activeren|inloggen|aanmelden|log in)$
        (?:document|contract) ondertekenen
        toevoegen aan .{0,20}agenda
        uitnodiging accepteren
    """,
    "sv": r"""
        (?:avregistrera|avprenumerera)
        avsluta (?:din )?prenumeration(?:en)?
        hantera (?:dina )?(?:installningar|prenumerationer)
        (?:visa|las|oppna) .{0,30}(?:webblasaren?|online)
        (?:aterstall|andra|byt) (?:ditt )?losenord
        (?:bekrafta|verifiera|aktivera) (?:din |ditt )?(?:e-?post(?:adress)?|konto|prenumeration|registrering)
        ^(?:bekrafta|logga in)$
        signera (?:dokumentet|avtalet)
        lagg till i .{0,20}kalendern?
    """,
    "pl": r"""
        wypisz(?: sie)?
        zrezygnuj z .{1,20}
        anuluj subskrypcje
        zarzadzaj (?:preferencjami|subskrypcja)
        (?:zobacz|otworz) .{0,30}przegladarce
        (?:zresetuj|zmien|ustaw) haslo
        (?:potwierdz|zweryfikuj|aktywuj) (?:adres|e-?mail|konto|rejestracje|subskrypcje)
        ^(?:potwierdz|zaloguj(?: sie)?)$
        podpisz (?:dokument|umowe)
        dodaj do kalendarza
    """,
    "cs": r"""
        odhlasit(?: se)?(?: z)?(?: odberu)?
        zrusit odber
        (?:zobrazit|otevrit) .{0,30}prohlizeci
        (?:obnovit|zmenit) heslo
        (?:potvrdit|overit|aktivovat) (?:e-?mail|adresu|ucet|registraci|odber)
        ^(?:potvrdit|prihlasit(?: se)?)$
        podepsat (?:dokument|smlouvu)
    """,
    "ru": r"""
        отписаться
        отказаться от (?:рассылки|подписки)
        управление подпиской
        (?:открыть|посмотреть) .{0,30}браузере
        (?:сбросить|сменить|восстановить|изменить) пароль
        подтвердить (?:адрес|почту|аккаунт|регистрацию|подписку)
        ^(?:подтвердить|воити|вход)$
    """,
}
"""Language -> expressions; Cyrillic loses its breve as any accent, hence the spelling of "войти"."""
