"""What a verified answer amounts to: hits graded, partners accounted for, teams verified."""

from collections.abc import Sequence

from agency_connector.journal.records import Asked, Before, Findings, Found, Partner, Prepared
from agency_connector.lookups import verifying
from agency_connector.lookups.partnership import team_of
from agency_connector.matching.expansion import Expansion
from agency_connector.matching.grading import GRADES, GradedKey, grade_hit
from agency_connector.trust.anchors import Anchors
from agency_connector.trust.directory import PartnershipView
from schemas.lookups import Hit, LookupAnswer


def findings(
    answer: LookupAnswer,
    asked: Asked,
    sent: Prepared,
    expansion: Expansion,
    anchors: Anchors,
    view: PartnershipView,
    time_zone: str,
    found_before: tuple[Before, ...],
) -> Findings:
    """Return what to show of `answer`, which `verifying.check_answer` has let pass.

    A partner of the directory that the answer does not account for is listed as not searched; a
    partner that the directory lists with a hidden desk is among those that never show, whether or
    not the answer names it.
    """
    narrow = asked.breadth == "narrow"
    keys = expansion.narrow if narrow else expansion.wide
    born = asked.typed.particulars.born.strip()
    hits = sorted(
        answer.shown.hits, key=lambda hit: (verifying.matched_keys(hit, sent)[0], hit.agency)
    )
    found = [_found(hit, answer, sent, keys, anchors, view) for hit in hits]
    states = {state.agency: state for state in answer.shown.partners}
    members = {
        agency
        for agency, listed in view.agencies.items()
        if listed.role == "member" and agency != anchors.agency
    }
    hidden = {
        agency
        for agency in members
        if view.agencies[agency].hidden_desk and view.agencies[agency].status == "active"
    }
    never_show = hidden | {*answer.shown.never_show}
    purpose = asked.purpose
    return Findings(
        # Within a grade the order is that of the keys, most telling first.
        found=tuple(sorted(found, key=lambda hit: GRADES.index(hit.surety))),
        partners=tuple(
            Partner(
                agency=agency,
                name=view.name_of(agency),
                shows=agency not in never_show,
                state=states.get(agency),
                desk=team_of(view, agency, anchors.agency, purpose),
            )
            for agency in sorted(members | states.keys(), key=view.name_of)
        ),
        never_show=tuple(sorted(view.name_of(agency) for agency in never_show)),
        log=anchors.log_name,
        answered_at=answer.shown.answered_at,
        time_zone=time_zone,
        found_before=found_before,
        by_name_and_date=bool(born) and _is_named(asked),
        nothing_sure=narrow and not keys,
        can_look_wider=narrow and bool(expansion.wide),
    )


def unverified(found: Sequence[Found]) -> bool:
    """Return whether a hit has no team that may be shown."""
    return any(hit.desk is None for hit in found)


def _is_named(asked: Asked) -> bool:
    told = asked.typed.particulars
    return bool((told.full_name + told.given + told.family).strip())


def _found(
    hit: Hit,
    answer: LookupAnswer,
    sent: Prepared,
    keys: Sequence[GradedKey],
    anchors: Anchors,
    view: PartnershipView,
) -> Found:
    surety, because = grade_hit([keys[at] for at in verifying.matched_keys(hit, sent)])
    return Found(
        agency=hit.agency,
        partner=view.name_of(hit.agency),
        desk=verifying.desk_of(hit, answer.desks, anchors, view),
        surety=surety,
        because=because,
        reference=hit.reference,
        expires_at=hit.expires_at,
    )
