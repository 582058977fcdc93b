"""Addresses that several people read: roles such as ``info@``, and mailing lists.

One reader cannot agree for the others (GDPR articles 4(11) and 7), so by default nobody's consent counts for a
role. Whoever reads it may still withdraw. What stands behind a list is not known, and counts as that. Only whole
local parts count, without what comes after a plus: ``j.post@`` and ``salesky@`` are somebody's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.model import NOTHING, UNKNOWN, Consent
from smtp_gate.policy.match import fits
from smtp_gate.policy.rules import RoleAddresses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.policy.rules import Policy

ROLE_NAMES: Mapping[str, str] = {
    "RFC 2142": """
        abuse ftp hostmaster info marketing news noc postmaster sales security support usenet uucp webmaster
        www
    """,
    "en": """
        accounting accounts admin administrator all billing booking bookings careers compliance contact
        customercare customerservice dpo editor enquiries events everyone feedback finance frontdesk hello
        help helpdesk hr inbox inquiries invoices it jobs legal mail management marketingteam media members
        office orders partners payroll press privacy procurement purchasing reception recruiting recruitment
        reservations sales-team salesteam secretary service services shop staff subscriptions supportteam
        team tech tickets training webteam
    """,
    "fr": """
        accueil achats adherents administratif administration adv assistance billetterie bonjour bureau
        candidatures commandes commercial communication compta comptabilite conseil contacts courrier
        direction donneespersonnelles emploi equipe facturation factures formation gestion inscription
        juridique mairie presse production qualite reclamations recrutement rh sav scolarite secretariat
        service-client serviceclient serviceclients standard tous vente ventes
    """,
    "de": """
        anfrage anfragen anmeldung bestellung bestellungen bewerbung bewerbungen buchhaltung buero
        datenschutz einkauf empfang gemeinde geschaeftsfuehrung hallo info-team karriere kontakt
        kundendienst kundenservice leitung personal personalabteilung post poststelle presse rathaus
        rechnung rechnungen redaktion reklamation reservierung sekretariat technik verkauf versand vertrieb
        verwaltung vorstand zentrale
    """,
    "es": """
        administracion atencionalcliente ayuda calidad comercial compras comunicacion consultas contabilidad
        contacto correo direccion empleo facturacion facturas hola informacion oficina pedidos prensa
        recepcion reclamaciones recursoshumanos reservas rrhh secretaria soporte ventas
    """,
    "it": """
        acquisti amministrazione assistenza ciao commerciale comunicazione contabilita contatti direzione
        fatturazione fatture informazioni lavoraconnoi logistica ordini personale posta prenotazioni
        presidenza produzione protocollo reclami risorseumane segreteria stampa ufficio ufficiostampa
        vendite
    """,
    "nl": """
        aanvragen administratie bestelling bestellingen boekhouding contactpunt directie facturen financien
        hulp inkoop kantoor klantenservice pers personeelszaken planning receptie redactie secretariaat
        vacatures verkoop
    """,
    "pl": """
        administracja biuro bok dyrekcja faktury handel handlowy kadry kontakt ksiegowosc marketing obsluga
        pomoc praca prasa reklamacje rekrutacja rezerwacja rezerwacje rodo sekretariat serwis sklep sprzedaz
        zamowienia zarzad
    """,
    "pt": """
        administracao ajuda atendimento cliente clientes comercial compras comunicacao contabilidade
        contactos contato correio direcao encomendas escritorio faturacao financeiro geral imprensa
        informacoes pedidos recepcao recursoshumanos reservas secretaria suporte vagas vendas
    """,
}
"""Local parts by language, ASCII as addresses are."""

_KNOWN = frozenset(name.encode() for names in ROLE_NAMES.values() for name in names.split())

ROLE = Consent(NOTHING, "role")
"""What counts for a role, whatever the store holds."""


def spoken_for(policy: Policy, address: bytes) -> Consent | None:
    """What counts for an address that is not one person's; None for one that is, as far as is known.

    Args:
        policy: its switches, further names and lists.
        address: path of the RCPT command.
    """
    local = address.rpartition(b"@")[0].lower()
    if policy.role_addresses is RoleAddresses.UNTRACKED:
        name = local.partition(b"+")[0]
        if name in _KNOWN:
            return ROLE
        if policy.role_names:
            text = name.decode("utf-8", "replace")
            if any(fits(glob, text) for glob in policy.role_names):
                return ROLE
    if policy.mailing_lists:
        text = address.decode("utf-8", "replace")
        if any(fits(glob, text) for glob in policy.mailing_lists):
            return UNKNOWN
    return None
