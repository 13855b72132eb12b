"""The words of an answer. They are a promise (docs/decisions/checking-a-name.md): never "clear"."""

from collections.abc import Sequence
from typing import Final

from agency_connector.journal.records import Findings, Found, Partner
from agency_connector.lookups import hours
from protocol.references import spoken
from schemas.agencies import Desk
from schemas.checks import (
    CheckAnswer,
    Involved,
    NoneRecorded,
    NotSearched,
    Surety,
    Team,
)
from schemas.lookups import Breadth, PartnerReason

SURE: Final[dict[Surety, str]] = {
    "strong": "Almost certainly the same person",
    "likely": "Probably the same person",
    "possible": "May not be the same person",
}
LISTED: Final = (
    "Being listed means a team is involved, which may be support or care. It is not evidence of "
    "wrongdoing. Do not decide on it alone: phone."
)
NO_OUT_OF_HOURS: Final = "There is no out-of-hours number"
_WHY: Final[dict[PartnerReason, str]] = {
    "no_agreement": "Not searched: no agreement between you covers this purpose.",
    "nothing_published": "Not searched: it has not published anything yet.",
    "other_epoch": "Not searched: its records were made with keys that this connector does not "
    "have.",
    "suspended": "Not searched: it is suspended from the partnership.",
    "some_desks_do_not_answer": "Searched only in part: some of its teams do not answer to your "
    "agency for this purpose.",
    "no_desk_answers": "Not searched: none of its teams answers to your agency for this purpose.",
    "out_of_date": "Out of date",
    "source_paused": "Its records cannot be read at present",
}
_PARTLY_OTHER_EPOCH: Final = (
    "Searched only in part: its latest records were made with keys that this connector does not "
    "have."
)
_NOT_ACCOUNTED: Final = (
    "Not searched: the index's answer does not mention it. Tell whoever runs this connector."
)
_NOT_SAID: Final = "Not searched: the index does not say why."


def in_words(
    check: str,
    breadth: Breadth,
    follows: str | None,
    told: Findings,
    now: int,
    number: int | None = None,
) -> CheckAnswer:
    """Return the answer as an officer reads it; `now`, ms UTC, decides whether a team is open.

    `number` is that of its entry, once the proof that it stands in the record has been checked.
    """
    involved = {hit.agency for hit in told.found} | {one.agency for one in told.found_before}
    unsure = [p for p in told.partners if not _searched(p) and not _only_hidden(p)]
    return CheckAnswer(
        check=check,
        breadth=breadth,
        follows=follows,
        checked_at=told.answered_at,
        headline=headline(told),
        alarms=tuple(_alarm(hit) for hit in told.found if hit.desk is None),
        involved=tuple(
            Involved(
                partner=hit.partner,
                team=team(hit.desk, now),
                surety=hit.surety,
                sure=SURE[hit.surety],
                because=hit.because[:1].upper() + hit.because[1:],
                reference=hit.reference,
                expires_at=hit.expires_at,
            )
            for hit in told.found
            if hit.desk is not None
        ),
        none_recorded=tuple(
            NoneRecorded(
                partner=partner.name,
                read_at=partner.state.read_at,
                fresh=_fresh(partner.state.read_at, told),
            )
            for partner in told.partners
            # "None recorded" of a partner that never shows would say more than is known.
            if partner.state is not None
            and _searched(partner)
            and not told.nothing_sure
            and partner.agency not in involved
            and partner.shows
        ),
        not_searched=tuple(_not_searched(partner, told) for partner in unsure),
        never_show=told.never_show,
        sentences=_sentences(told),
        recorded=f"This check was recorded at {_at(told)}. {_standing(number)}",
        can_look_wider=told.can_look_wider,
    )


def team(desk: Desk, now: int) -> Team:
    """Return a team in words; whether it is open is computed in the desk's own time zone."""
    phone = desk.out_of_hours_phone
    return Team(
        name=desk.name,
        phone=desk.phone,
        email=desk.email,
        hours=hours.in_words(desk),
        open_now=hours.is_open(desk, now),
        out_of_hours=NO_OUT_OF_HOURS if phone is None else f"Out of hours: {phone}",
        out_of_hours_phone=phone,
    )


def never_show_sentence(partners: Sequence[str]) -> str:
    """Return the one sentence about partners with a hidden desk, the same hit or miss."""
    return (
        "Some partners never show whether they are involved; if they are, they decide whether to "
        f"contact you: {_listed(partners)}."
    )


def _standing(number: int | None) -> str:
    if number is None:
        return "Your agency keeps the receipt."
    return f"It is verified: it is number {number} of the record, and your agency keeps the proof."


def headline(told: Findings) -> str:
    """Return what came of a check in a few words."""
    if told.nothing_sure:
        return "Nothing was compared yet"
    count = len({hit.agency for hit in told.found})
    if count == 0:
        return "Nobody else found" if told.found_before else "No involvement recorded"
    if all(hit.surety == "possible" for hit in told.found):
        return f"{count} {'partner' if count == 1 else 'partners'} may be involved"
    return "1 partner is involved" if count == 1 else f"{count} partners are involved"


def _sentences(told: Findings) -> tuple[str, ...]:
    sentences = []
    if not told.found:
        sentences.append(_no_hit(told))
    if told.found_before:
        before = [one.partner for one in told.found_before]
        sentences.append(f"Your first check found {_listed(before)}: phone them.")
    if told.never_show:
        sentences.append(never_show_sentence(told.never_show))
    if told.found or told.found_before:
        sentences.append(LISTED)
    return tuple(sentences)


def _no_hit(told: Findings) -> str:
    what = "this name and date of birth" if told.by_name_and_date else "these details"
    none = f"No partner recorded involvement with {what} at {_at(told)}."
    if told.nothing_sure:
        none = "These details are too few to be sure of anyone, so nothing was compared yet."
    elif told.found_before:
        none = f"Looking wider found nobody else at {_at(told)}."
    return f"{none} This does not mean the person is unknown or safe."


def _alarm(hit: Found) -> str:
    return (
        f"{hit.partner} is involved, but the team to phone that came with the answer is not signed "
        f"by {hit.partner}, so it is not shown. Phone {hit.partner} on a number you already know, "
        f"quote {spoken(hit.reference)}, and tell whoever runs this connector."
    )


def _searched(partner: Partner) -> bool:
    return partner.state is not None and partner.state.searched == "searched"


def _only_hidden(partner: Partner) -> bool:
    """Whether a partner was not searched only because all that it has are hidden desks."""
    return (
        not partner.shows
        and partner.state is not None
        and partner.state.because == "no_desk_answers"
    )


def _not_searched(partner: Partner, told: Findings) -> NotSearched:
    desk = partner.desk
    return NotSearched(
        partner=partner.name,
        why=_why(partner, told),
        team=None if desk is None else desk.name,
        phone=None if desk is None else desk.phone,
    )


def _why(partner: Partner, told: Findings) -> str:
    state = partner.state
    if state is None:
        return _NOT_ACCOUNTED
    if state.because is None:
        return _NOT_SAID
    if state.because == "other_epoch" and state.searched == "partly":
        return _PARTLY_OTHER_EPOCH
    words = _WHY[state.because]
    if state.because in ("out_of_date", "source_paused"):
        return f"{words}: what was searched was {_read(state.read_at, told)}."
    return words


def _fresh(read_at: int | None, told: Findings) -> str:
    words = _read(read_at, told)
    return words[:1].upper() + words[1:]


def _read(read_at: int | None, told: Findings) -> str:
    if read_at is None:
        return "read at a time that is not known"
    return f"read {hours.day_and_time(read_at, told.time_zone, told.answered_at)}"


def _at(told: Findings) -> str:
    return hours.clock_time(told.answered_at, told.time_zone)


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
