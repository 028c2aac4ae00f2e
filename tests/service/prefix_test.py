"""Below the prefix of a proxy, as a setting or the proxy tells it."""

import httpx

from support.service import serving


def servers(client: httpx.Client, **headers: str) -> object:
    return client.get("/openapi.json", headers=headers).json().get("servers")


def links(client: httpx.Client, **headers: str) -> set[str]:
    markup = client.get("/", headers=headers).text
    return {part.split('"')[0] for part in markup.replace("href=", "src=").split('src="')[1:]}


def test_without_a_setting_nothing_is_below_a_prefix(client: httpx.Client) -> None:
    told = {"x-forwarded-prefix": "/ml"}
    assert servers(client) is None
    assert servers(client, **told) is None
    assert client.get("/", headers=told).content == client.get("/").content


def test_the_setting_is_in_the_description_and_in_the_page_s_links() -> None:
    with serving(root_path="/a/ml") as own, httpx.Client(base_url=own.url) as client:
        assert servers(client) == [{"url": "/a/ml"}]
        assert servers(client, **{"x-forwarded-prefix": "/other"}) == [{"url": "/a/ml"}]
        found = links(client)
        assert {"/a/ml/page/main.js", "/a/ml/docs", "/a/ml/metrics", "#live"} <= found
        assert {link[0] for link in found} == {"/", "#"}
        assert client.get("/model").status_code == 200  # the proxy has taken the prefix off


def test_a_prefix_that_is_the_name_of_a_route_hides_no_route() -> None:
    with serving(root_path="/model") as own, httpx.Client(base_url=own.url) as client:
        for path in ("/model", "/model/holdout", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200


def test_a_trusted_proxy_s_header_comes_before_the_setting() -> None:
    with (
        serving(trust_forwarded_prefix=True, root_path="/setting") as own,
        httpx.Client(base_url=own.url) as client,
    ):
        assert servers(client) == [{"url": "/setting"}]
        for told in ("/ml", "/ml/"):
            assert servers(client, **{"x-forwarded-prefix": told}) == [{"url": "/ml"}]
        assert "/ml/page/main.js" in links(client, **{"x-forwarded-prefix": "/ml"})
        tags = {
            client.get("/", headers={"x-forwarded-prefix": told}).headers["etag"]
            for told in ("/ml", "/other", "")
        }
        assert len(tags) == 3


def test_what_is_no_path_is_not_taken_from_the_header() -> None:
    wrong = ("ml", "//example.org", "https://example.org", '/"><b>', "/a b", "/a,/b", "/\\b", "/é")
    with (
        serving(trust_forwarded_prefix=True) as own,
        httpx.Client(base_url=own.url) as client,
    ):
        page = client.get("/").content
        for told in wrong:
            head = {b"x-forwarded-prefix": told.encode()}
            assert "servers" not in client.get("/openapi.json", headers=head).json()
            assert client.get("/", headers=head).content == page
