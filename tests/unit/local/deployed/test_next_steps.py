"""What `make deploy` says at its end."""

from local.deployed.next_steps import text

URL = "https://abc.execute-api.eu-central-1.amazonaws.com"
LIVE = "https://xyz.lambda-url.eu-central-1.on.aws"


def test_clients_get_the_live_door_and_people_the_other_address() -> None:
    said = text("darkroom", {"Url": URL, "ClientUrl": f"{LIVE}/"}, "alice", None)
    assert f"    {LIVE}/v1\n" in said
    assert f"Darkroom answers at {URL}\n" in said
    assert f"{URL}/v1/images/background-removals" in said


def test_a_stack_from_before_the_live_door_has_one_address() -> None:
    assert f"    {URL}/v1\n" in text("darkroom", {"Url": URL}, "alice", None)
