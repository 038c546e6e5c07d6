"""Promotions and rollbacks by hand, in a real registry."""

import pytest
from changes import alias, back, by_hand, gate, judged

from videmo.registry.champion import Refused, read_history
from videmo.registry.manual_promotion import roll_back


def test_a_person_promotes_with_a_reason_what_the_gate_has_let_pass(versions):
    with pytest.raises(Refused, match="--reason is empty"):
        by_hand(versions, 1, reason=" ")
    with pytest.raises(Refused, match="has not judged it"):
        by_hand(versions, 1)
    judged(versions, 1, passed=False, reason="worse")
    with pytest.raises(Refused, match=r"the gate refused it \(worse\); --force"):
        by_hand(versions, 1)
    assert by_hand(versions, 1, force=True).change.kind == "forced"
    judged(versions, 2, after=1)
    entry = by_hand(versions, 2)
    assert (entry.change.kind, entry.change.reason) == ("by hand", "I know")
    assert entry.change.verdict.startswith("verdicts/")
    judged(versions, 3, after=1, opponent="champion, version 1")
    with pytest.raises(Refused, match="against the champion, version 1, and version 2 is champion now"):
        by_hand(versions, 3)
    with pytest.raises(Refused, match="is already the champion"):
        by_hand(versions, 2, force=True)


def test_rollbacks_are_in_the_history_and_lead_to_the_champion_before_or_a_named_one(versions):
    with pytest.raises(Refused, match="no earlier champion"):
        back(versions)
    gate(versions, 1, after=0)
    with pytest.raises(Refused, match="no earlier champion"):
        back(versions)
    gate(versions, 2, after=1)
    gate(versions, 3, after=2)
    with pytest.raises(Refused, match="version 4, was never champion"):
        back(versions, "4")
    assert back(versions, reason="it stares").change.version == "2"
    assert back(versions).change.version == "1"
    assert back(versions, "3").before == "1"
    kinds = [(entry.change.kind, entry.change.version) for entry in read_history(versions, "videmo").entries[3:]]
    assert kinds == [("rollback", "2"), ("rollback", "1"), ("rollback", "3")]
    assert alias(versions) == "3"


def test_a_champion_from_before_there_was_a_history_is_where_the_first_rollback_leads(versions):
    versions.set_registered_model_alias("videmo", "champion", "2")
    assert gate(versions, 3, after=0).before == "2"
    assert back(versions).change.version == "2"


def test_a_verdict_against_the_champion_speaks_for_a_version_when_that_champion_is_back(versions):
    gate(versions, 1, after=0)
    judged(versions, 3, after=1)
    gate(versions, 2, after=1)
    with pytest.raises(Refused, match="version 2 is champion now"):
        by_hand(versions, 3)
    back(versions)
    assert by_hand(versions, 3).change.kind == "by hand"


def test_a_person_who_was_overtaken_is_told_by_which_entry_and_to_decide_again(versions):
    gate(versions, 1, after=0)
    gate(versions, 2, after=1)
    seen = read_history(versions, "videmo")
    back(versions)
    with pytest.raises(Refused) as told:
        roll_back(versions, seen, "", "")
    assert "after entry 2, with version 2 as champion, and version 1 has become champion since (entry 3" in str(
        told.value
    )
    assert "decide again" in str(told.value)
    assert "gate judge" not in str(told.value)


def test_a_rollback_to_a_version_that_was_deleted_names_one_that_is_there(versions):
    for version in range(1, 4):
        gate(versions, version, after=version - 1)
    versions.delete_model_version("videmo", "2")
    with pytest.raises(
        Refused, match=r"version 2, the champion before, is no longer in the registry: .*registry rollback 1$"
    ):
        back(versions)
    versions.delete_model_version("videmo", "1")
    with pytest.raises(Refused, match=r"version 2, the champion before, is no longer in the registry: .* promote N"):
        back(versions)
    assert alias(versions) == "3"
