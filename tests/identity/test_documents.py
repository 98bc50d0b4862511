"""Agreements: versions that never change, announced ahead, signed by two people, accepted anew when they matter."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from anhuan.identity import consent, documents, rules
from anhuan.identity.consent_words import Purpose, TextChanged
from anhuan.identity.documents import AGREEMENTS, Kind, NoticeTooShort, NotPublishable
from anhuan.identity.tables_consent import DocumentRow
from anhuan.kit import audit, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind

pytestmark = pytest.mark.scope("S2-14")

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
NOTICE = rules.house("agreement_notice_days", on=NOW.date())
SOON = NOW.date() + timedelta(days=NOTICE)
WRITER, SIGNER = ids.new_id(), Actor(ActorKind.PERSON, person_id=ids.new_id())


def publish(kind: Kind = Kind.USER_AGREEMENT, *, more: str = "新的一条。", on: date = SOON, anew: bool = True,
            by: UUID = WRITER, now: datetime = NOW) -> documents.Document:  # fmt: skip
    """A version with one more line, published at the desk."""
    with database.sessions("desk").begin() as db:
        last = documents.history(db, kind)[0]
        return documents.publish(
            db, kind, zh=f"{last.zh}\n{more}", en=f"{last.en}\nOne more: {more.encode().hex()}", in_force_on=on,
            anew=anew, proposed_by=by, approver=SIGNER, now=now,
        )  # fmt: skip


@pytest.fixture
def lin(own_database: Engine) -> Actor:
    person = ids.new_id()
    return Actor(ActorKind.PERSON, person_id=person, party_id=person)


def inside(engine: Engine, who: Actor) -> Session:
    db = Session(engine)
    wall.enter(db, party=who.party_id, person=who.person_id)
    return db


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_text_speaks_both_languages_in_plain_blocks(kind: Kind, lang: str) -> None:
    said = documents.first(kind).text(lang)
    assert len(said) > 100
    assert bool(re.search("[\u4e00-\u9fff]", said)) == (lang == "zh")
    assert {one.tag for one in documents.blocks(said)} >= {"li"}
    assert not [one for one in documents.blocks(said) if one.words.startswith(("#", "- ", "*"))]


def test_both_languages_say_equally_much() -> None:
    for kind in Kind:
        one = documents.first(kind)
        tags = [[block.tag for block in documents.blocks(one.text(lang))] for lang in ("zh", "en")]
        assert tags[0] == tags[1], kind


@pytest.mark.parametrize("article", ["第 15 条", "第 24", "第 45 条", "第 46 条", "第 47 条", "投诉"])
def test_the_privacy_policy_names_the_rights_of_the_law(article: str) -> None:
    assert article in documents.first(Kind.PRIVACY_POLICY).zh


def test_the_hash_changes_with_every_word_and_every_fact() -> None:
    one = documents.first(Kind.RISK_NOTICE)
    others = [
        documents.Document(one.kind, one.version, one.zh + "。", one.en, one.made_on, one.in_force_on, one.anew),
        documents.Document(one.kind, one.version, one.zh, one.en + ".", one.made_on, one.in_force_on, one.anew),
        documents.Document(one.kind, 2, one.zh, one.en, one.made_on, one.in_force_on, one.anew),
        documents.Document(one.kind, 1, one.zh, one.en, date(2026, 11, 23), one.in_force_on, one.anew),
        documents.Document(Kind.MARKETING, 1, one.zh, one.en, one.made_on, one.in_force_on, one.anew),
    ]
    assert len({one.sha256, *(other.sha256 for other in others)}) == 6


def test_a_new_version_is_announced_and_holds_from_its_day(own_database: Engine, lin: Actor) -> None:
    made = publish()
    with inside(own_database, lin) as db:
        before = SOON - timedelta(days=1)
        assert documents.in_force(db, made.kind, before).version == 1
        assert documents.coming(db, made.kind, before) == made
        assert documents.in_force(db, made.kind, SOON) == made
        assert documents.coming(db, made.kind, SOON) is None
        assert [one.version for one in documents.history(db, made.kind)] == [2, 1]


def test_a_version_that_comes_sooner_than_the_notice_is_refused(own_database: Engine) -> None:
    with pytest.raises(NoticeTooShort):
        publish(on=SOON - timedelta(days=1))


def test_the_writer_cannot_sign_and_no_version_says_the_same(own_database: Engine) -> None:
    assert SIGNER.person_id is not None
    with pytest.raises(NotPublishable):
        publish(by=SIGNER.person_id)
    with database.sessions("desk").begin() as db:
        first = documents.first(Kind.RISK_NOTICE)
        with pytest.raises(NotPublishable):
            documents.publish(db, Kind.RISK_NOTICE, zh=first.zh, en=first.en, in_force_on=SOON, anew=True,
                              proposed_by=WRITER, approver=SIGNER, now=NOW)  # fmt: skip


@pytest.mark.parametrize("login", ["app", "work"])
def test_only_the_desk_can_publish(own_database: Engine, login: str) -> None:
    asked = (
        "INSERT INTO documents VALUES ('risk_notice', 9, 'x', 'x', '\\x00', '2026-01-01', '2026-01-01', true, now(),"
        " gen_random_uuid(), gen_random_uuid(), NULL)"
    )
    with database.sessions(login)() as db, pytest.raises(DBAPIError, match=r"permission denied|row-level security"):
        db.execute(text(asked))


@pytest.mark.parametrize("verb", ["UPDATE documents SET zh = 'x'", "DELETE FROM documents"])
def test_nobody_changes_what_was_published(own_database: Engine, verb: str) -> None:
    publish()
    with database.sessions("desk")() as db, pytest.raises(DBAPIError, match="permission denied"):
        db.execute(text(verb))


def test_agreements_are_accepted_by_version_and_anew_when_they_matter(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    with inside(own_database, lin) as db:
        assert {one.kind for one in documents.to_accept(db, lin.party_id, NOW.date())} == set(AGREEMENTS)
        for kind in AGREEMENTS:
            for _twice in range(2):
                documents.accept(db, lin.party_id, kind, 1, actor=lin, now=NOW, lang="zh")
        assert documents.to_accept(db, lin.party_id, NOW.date()) == ()
        accepted = [one.act for one in audit.page_of(db, subject=f"party:{lin.party_id}")]
        assert accepted == ["agreement.accepted"] * len(AGREEMENTS), "twice is once"
        db.commit()
    publish(anew=False, more="只改错字。")
    with inside(own_database, lin) as db:
        assert documents.to_accept(db, lin.party_id, SOON) == (), "a slip of the pen needs no new yes"
    later = NOW + timedelta(days=1)
    publish(anew=True, on=SOON + timedelta(days=1), now=later)
    with inside(own_database, lin) as db:
        day = SOON + timedelta(days=1)
        assert [one.version for one in documents.to_accept(db, lin.party_id, day)] == [3]
        with pytest.raises(TextChanged):
            documents.accept(
                db, lin.party_id, Kind.USER_AGREEMENT, 1, actor=lin, now=NOW + timedelta(days=60), lang="zh"
            )


def test_a_consent_text_that_changed_in_what_matters_ends_the_yes(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    with inside(own_database, lin) as db:
        consent.give(db, lin.party_id, Purpose.BILL_READING, actor=lin, now=NOW)
        db.commit()
    publish(Kind.BILL_READING, anew=True)
    with inside(own_database, lin) as db:
        day = datetime.combine(SOON, datetime.min.time(), UTC)
        before = consent.standing(db, lin.party_id, Purpose.BILL_READING, day - timedelta(days=1))
        assert before.stands
        after = consent.standing(db, lin.party_id, Purpose.BILL_READING, day)
        assert (after.stands, after.outdated, after.renew) == (False, True, True)
        assert consent.give(db, lin.party_id, Purpose.BILL_READING, actor=lin, now=day).stands


def test_two_versions_are_compared_line_by_line() -> None:
    one = documents.first(Kind.RISK_NOTICE)
    lines = one.zh.splitlines()
    changed = "\n".join([*lines[:-1], "- 换成别的一条。"])
    new = documents.Document(one.kind, 2, changed, one.en, one.made_on, one.in_force_on, one.anew)
    found = documents.compare(one, new, "zh")
    assert [(change.what, change.words) for change in found if change.what != "same"] == [
        ("gone", lines[-1]),
        ("new", "- 换成别的一条。"),
    ]


def test_a_text_changed_in_place_is_found(own_database: Engine, lin: Actor) -> None:
    made = publish()
    row = DocumentRow(
        kind=made.kind.value, version=made.version, zh=made.zh + "!", en=made.en, sha256=made.sha256,
        made_on=made.made_on, in_force_on=made.in_force_on, anew=True,
    )  # fmt: skip
    with pytest.raises(documents.TextLost):
        documents._document(row)
