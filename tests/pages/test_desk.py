"""The frame of every page: policy, forms, refusals, static files."""

import json
import re

from tests.pages.conftest import HOST, Maker, SignIn, Visitor, text_of


async def test_a_page_runs_no_script_but_by_nonce(visitor: Visitor) -> None:
    """A page's policy lets scripts run by its own nonce alone, and nothing inline."""
    answer = await visitor.get("/nowhere", headers={"Accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([\w-]+)'", policy).group(1)
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert f'nonce="{nonce}"' in answer.text
    again = await visitor.get("/nowhere", headers={"Accept": "text/html"})
    assert nonce not in again.text


async def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_machines(visitor: Visitor) -> None:
    """Who asks for HTML reads words in the site's frame; who does not gets a problem document."""
    page = await visitor.get("/nowhere", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "<h1>" in page.text
    problem = await visitor.get("/nowhere")
    assert problem.headers["content-type"].startswith("application/problem+json")
    api = await visitor.get("/api/v1/nowhere", headers={"Accept": "text/html"})
    assert api.headers["content-type"].startswith("application/problem+json")


async def test_who_is_not_signed_in_is_led_there_and_back(visitor: Visitor) -> None:
    """A page for signed-in people leads others to the sign-in, which knows where they wanted to go."""
    answer = await visitor.get("/desk?x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fdesk%3Fx%3D1"


async def test_the_desk_greets_by_name(someone: Maker, signed_in: SignIn) -> None:
    """A signed-in person sees their own desk."""
    visitor = await signed_in(await someone(name="王小明"))
    answer = await visitor.get("/desk")
    assert answer.status_code == 200
    assert "王小明" in text_of(answer)
    assert answer.headers["cache-control"] == "no-store"


async def test_static_files_are_kept_for_ever_under_their_release(visitor: Visitor) -> None:
    """A file's address names its content; another release's address is served but not kept."""
    page = await visitor.get("/nowhere", headers={"Accept": "text/html"})
    address = re.search(r'href="(/assets/\w+/site\.css)"', page.text).group(1)
    answer = await visitor.get(address)
    assert "immutable" in answer.headers["cache-control"]
    old = await visitor.get("/assets/0000000000000000/site.css")
    assert old.headers["cache-control"] == "no-store"
    assert old.content == answer.content
    assert (await visitor.get("/assets/0000000000000000/../app.py")).status_code == 404


async def test_the_time_is_the_databases(visitor: Visitor) -> None:
    """Pages take the server's time from one address that nobody caches."""
    answer = await visitor.get("/time")
    assert answer.headers["cache-control"] == "no-store"
    assert set(json.loads(answer.text)) == {"now"}


async def test_words_in_scripts_cannot_end_their_element(visitor: Visitor) -> None:
    """The words given to scripts are data that cannot become markup."""
    page = await visitor.get("/nowhere", headers={"Accept": "text/html"})
    block = re.search(r'(?s)<script type="application/json" class="words">(.*?)</script>', page.text).group(1)
    assert "<" not in block
    assert json.loads(block)["page.left_none"]


async def test_a_form_of_another_site_is_refused(someone: Maker, signed_in: SignIn) -> None:
    """A cookie alone posts no form: it must come from this host and show the session's token."""
    visitor = await signed_in(await someone())
    foreign = {"Origin": "https://elsewhere.example"}
    assert (await visitor.post("/sign-out", data={"csrf": "x"}, headers=foreign)).status_code == 403
    assert (await visitor.post("/sign-out", data={"csrf": "x"}, headers={"Origin": HOST})).status_code == 403
    assert (await visitor.post("/sign-out", data={"csrf": "x"})).status_code == 403
