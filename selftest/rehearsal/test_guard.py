"""Limiter, bans and intrusion detection of the clean game."""

from __future__ import annotations

from preflight.rehearsal import tokens
from preflight.rehearsal.behaviour import EXEMPT_ADDRESS, Intrusion, Limiter
from preflight.rehearsal.guard import FOREVER, Guard
from selftest.rehearsal.conftest import Client


def guard() -> Guard:
    return Guard(Limiter(), Intrusion())


def test_the_31st_request_to_scene_is_refused_and_others_go_on(client: Client) -> None:
    answers = [client.ask("GET /scene", token=None) for _ in range(31)]

    assert [answer.status_code for answer in answers[:30]] == [401] * 30
    assert answers[30].status_code == 429
    assert int(answers[30].headers["Retry-After"]) >= 1
    assert answers[30].json()["error"] == "Too Many Requests"
    assert answers[0].headers["X-RateLimit-Limit"] == "30"
    assert answers[0].headers["X-RateLimit-Remaining"] == "29"
    assert client.ask("GET /scenes").status_code == 200
    assert Client(client.rehearsal, "127.0.0.99").ask("GET /scene").status_code == 200


def test_five_refusals_ban_the_address_with_the_end_announced(client: Client) -> None:
    path = "POST /auth/rotate"
    statuses = [client.ask(path, token=None).status_code for _ in range(15)]
    banned = client.ask("GET /health", token=None)

    assert statuses == [401] * 10 + [429] * 5
    assert banned.status_code == 429
    assert 3500 < int(banned.headers["Retry-After"]) <= 3601
    assert banned.json()["banned_until"]


def test_five_bad_logins_ban_and_missing_tokens_do_not(client: Client) -> None:
    assert [client.ask("GET /jobs", token=None).status_code for _ in range(8)] == [401] * 8
    assert [client.ask("GET /jobs", token="x" * 40).status_code for _ in range(6)] == [401] * 5 + [429]


def test_ten_identities_ban_for_good() -> None:
    watched = guard()
    for number in range(10):
        watched.failed_login("a", f"user-{number}", 1000.0 + number * 20 * 0.5)

    ban = watched.ban_of("a", 1100)
    assert ban
    assert ban.until == FOREVER


def test_fast_requests_halve_the_limits_and_a_flood_bans() -> None:
    watched = guard()
    for number in range(100):
        watched.saw_request("a", f"/{number}", 1000 + number * 0.05)
    _, bucket = watched.take("a", "/scene", 1006)
    assert bucket
    assert bucket.limit == 15
    for number in range(400):
        watched.saw_request("a", "/x", 1006 + number * 0.05)
    assert watched.ban_of("a", 1027)
    assert watched.ban_of("a", 1027 + 901) is None


def test_fifty_requests_to_one_endpoint_halve_the_limits_too() -> None:
    watched = guard()
    for number in range(50):
        watched.saw_request("a", "/status", 1000 + number * 0.5)
    _, bucket = watched.take("a", "/status", 1025)
    assert bucket
    assert bucket.limit == 50


def test_a_bucket_fills_again_at_its_rate() -> None:
    watched = guard()
    assert all(watched.take("a", "/scene", 1000.0)[0] for _ in range(30))
    assert not watched.take("a", "/scene", 1000.0)[0]
    assert not watched.take("a", "/scene", 1001.9)[0]
    assert watched.take("a", "/scene", 1002.1)[0]


def test_an_attack_is_refused_and_banned(clean: object, client: Client) -> None:
    attack = client.ask("GET /scenes?dir=res://'%20OR%20'1'='1")

    assert attack.status_code == 403
    after = client.ask("GET /health", token=None)
    assert after.status_code == 429
    assert after.json()["permanent"] is True


def test_traversal_is_refused_and_banned_for_a_time(client: Client) -> None:
    attack = client.ask("POST /scene", json={"scene_path": "res://%252e%252e/%252e%252e/etc/passwd.tscn"})
    after = client.ask("GET /health", token=None)

    assert attack.status_code == 403
    assert after.status_code == 429
    assert after.json()["permanent"] is False


def test_forwarded_addresses_count_only_from_the_front(client: Client) -> None:
    spoofed = {"X-Forwarded-For": "203.0.113.9"}
    remaining = [int(client.ask("GET /jobs", headers=spoofed).headers["X-RateLimit-Remaining"]) for _ in range(2)]
    through = int(client.ask("GET /jobs", headers=spoofed, base=client.rehearsal.api_url).headers["X-RateLimit-Remaining"])

    assert remaining == [99, 98]
    assert through == 97, "the front names the client's own address last"


def test_the_exempt_address_is_never_limited(client: Client) -> None:
    exempt = Client(client.rehearsal, EXEMPT_ADDRESS)

    assert {exempt.ask("GET /status").status_code for _ in range(60)} == {200}


def test_every_kind_of_answer_is_audited_with_the_client(client: Client) -> None:
    client.ask("GET /jobs")
    client.ask("GET /jobs", token=None)
    client.ask("GET /jobs", token=tokens.issue("another secret"))
    for _ in range(11):
        client.ask("POST /auth/rotate", token=None)
    log = client.rehearsal.host / "var/log/spacetime/audit/audit.log"
    mine = [line for line in log.read_text().splitlines() if f"[{client.address}]" in line]

    assert "[INFO]" in mine[0]
    assert "[/jobs] [AUTH_SUCCESS]" in mine[0]
    assert "[AUTH_FAILURE] no token" in mine[1]
    assert "[AUTH_FAILURE] signature does not match" in mine[2]
    assert "[/auth/rotate] [RATE_LIMIT]" in mine[-1]
    assert client.token not in log.read_text()
