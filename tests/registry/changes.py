"""Changes of champion in a registry of versions with no more to them than a run and tags."""

from videmo.registry.champion import promote, read_history
from videmo.registry.gate import Verdict
from videmo.registry.history import Change
from videmo.registry.manual_promotion import promote_version, roll_back
from videmo.registry.version_artifacts import keep_verdict


def alias(client):
    return str(client.get_model_version_by_alias("videmo", "champion").version)


def gate(client, version, after):
    return promote(client, "videmo", Change(str(version), "gate", after, "better"))


def judged(client, version, **verdict):
    kept = {"passed": True, "reason": "better", "opponent": "champion", **verdict}
    keep_verdict(client, client.get_model_version("videmo", version), Verdict(**kept))


def by_hand(client, version, reason="I know", force=False):
    history = read_history(client, "videmo")
    return promote_version(client, history, client.get_model_version("videmo", version), reason, force)


def back(client, version="", reason=""):
    return roll_back(client, read_history(client, "videmo"), version, reason)
