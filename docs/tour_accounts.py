"""The tour's chapter about accounts and profiles."""

import random
import secrets

from tour_client import (
    Caller,
    Json,
    Person,
    check_etag,
    check_location,
    decomposed,
    parse,
    read,
    report,
)
from tour_schemas import (
    ACCOUNT,
    CATALOGUE,
    USER,
    USER_MEMBERS,
    expect_equal,
    fields_of,
    flag,
)


def look_at_the_catalogue(anonymous: Caller) -> Json:
    request_id = f"tour-{secrets.token_hex(4)}"
    response = anonymous.send(200, "GET", "/catalogue", headers={"X-Request-ID": request_id})
    catalogue = read(response, CATALOGUE)
    expect_equal("the echoed X-Request-ID", response.headers["X-Request-ID"], request_id)

    check_etag(response)
    anonymous.send(304, "GET", "/catalogue", headers={"If-None-Match": response.headers["ETag"]})

    numbers = [len(catalogue[kind]) for kind in ("skills", "regions", "meet_times")]
    report("The catalogue has {} skills, {} regions and {} meeting times.".format(*numbers))
    return catalogue


def call_without_a_token(anonymous: Caller) -> None:
    anonymous.refused(401, "not-authenticated", "GET", "/me")
    forged = {"Authorization": "Bearer not.a.token"}
    response = anonymous.send(401, "GET", "/projects", headers=forged)
    code = parse(response, "application/problem+json").get("code")
    expect_equal("the code for a forged token", code, "not-authenticated")
    report("Without a token, /me is 401; with a forged one even the public board is.")


def sign_up(anonymous: Caller, person: Person) -> None:
    names = {"email": person.email, "username": person.username}
    both = fields_of(email=flag, username=flag)
    free = anonymous.get(both, "/users/availability", **names)
    expect_equal("availability of new names", free, {"email": True, "username": True})

    response = anonymous.send(201, "POST", "/users", {**names, "password": person.password})
    person.account = read(response, ACCOUNT)
    check_location(response, f"/users/{person.id}")
    known = {**names, "profile": None, "is_admin": False}
    expect_equal("the new account", {name: person.account[name] for name in known}, known)

    # The same names in capitals and in decomposed form.
    again = {name: decomposed(value.upper()) for name, value in names.items()}
    taken = anonymous.get(both, "/users/availability", **again)
    expect_equal("availability of taken names", taken, {"email": False, "username": False})
    alone = anonymous.get(fields_of(email=flag), "/users/availability", email=person.email)
    expect_equal("availability of the email alone", alone, {"email": False})
    report(f"{person.username} signed up; email and username are taken in every spelling.")


def refuse_a_second_account(anonymous: Caller, person: Person) -> None:
    twin = {"email": person.email.upper(), "username": f"twin-{secrets.token_hex(5)}"}
    anonymous.refused(409, "email-taken", "POST", "/users", {**twin, "password": person.password})
    report("A second account with the same email, in capitals, is 409 email-taken.")


def log_in(anonymous: Caller, person: Person) -> None:
    wrong = {"email": person.email, "password": "not my password"}
    anonymous.refused(401, "wrong-credentials", "POST", "/sessions", wrong)

    session = person.log_in(person.email.upper())
    me = person.get(ACCOUNT, "/me")
    expect_equal("GET /me", me, person.account)
    report(f"{person.username} logged in for {session['expires_in']} s; they have no profile yet.")


def write_a_profile(person: Person, skills: list[str], catalogue: Json) -> None:
    """Send `skills`, which are in catalogue order, shuffled; the response has them in order."""
    person.refused(409, "no-profile", "PATCH", "/me/profile", {"bio": "Too early."})

    region, meet_time = catalogue["regions"][0], catalogue["meet_times"][-1]
    profile: Json = {
        "bio": "주말마다 사이드 프로젝트를 합니다.",
        "github_url": "https://github.com/example",
        "skills": random.sample(skills, len(skills)),
        "region": region,
    }
    written = person.ask(ACCOUNT, "PUT", "/me/profile", profile)["profile"]
    expected = {**profile, "skills": skills, "image_url": None, "meet_time": None}
    expect_equal("the profile as written", written, expected)

    # A patch keeps omitted members; null clears a member.
    change = {"bio": "Coffee?", "region": None, "meet_time": meet_time}
    person.account = person.ask(ACCOUNT, "PATCH", "/me/profile", change)
    expect_equal("the edited profile", person.account["profile"], {**expected, **change})
    report(f"{person.username} wrote a profile: {', '.join(skills)}.")


def view_a_public_page(anonymous: Caller, person: Person) -> None:
    page = anonymous.get(USER, f"/users/{person.id}")
    public = {name: person.account[name] for name in USER_MEMBERS}
    expect_equal("the public page", page, {**public, "chat_policy": None})
    report(f"{person.username}'s page is public, without the email address.")
