"""What every page has in its head, wherever its author has begun it; test_browser has a browser read such pages."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from scrapdb.reporting.rendering import head
from scrapdb.reporting.rendering.errors import TemplateError

POLICY = f'<meta http-equiv="Content-Security-Policy" content="{head.POLICY}">'


@pytest.mark.parametrize(
    ("page", "begin"),
    [
        ("<p>x", '<!doctype html>\n<html lang="ca">\n<head>\n<meta charset="utf-8">\n{}\n<title>T</title>\n<p>x'),
        (
            '<!doctype html>\n<html>\n<head><meta charset="utf-8"><title>mine</title></head><body>',
            '<!doctype html>\n<html lang="ca">\n<head>\n{}\n<meta charset="utf-8"><title>mine</title></head><body>',
        ),
        (
            "\n <!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x'><HTML Lang='en' class=a><title>x</title>",
            (
                "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x'>\n<html Lang='en' class=a>\n<head>\n"
                '<meta charset="utf-8">\n{}\n<title>x</title>'
            ),
        ),
    ],
)
def test_the_policy_comes_first(page: str, begin: str) -> None:
    assert head.completed(page.encode(), "ca", "ltr", "T").decode() == begin.format(POLICY)


@pytest.mark.parametrize(
    "page",
    [
        '<html a=b"><script>x</script><p x="><head>',
        "<!--><script>x</script>--><html><head>",
        "<!---><script>x</script>--><html><head>",
        "<html x='a><script>x</script>'y><head>",
        "<html/><script>x</script><head>",
        "<html\0><script>x</script><head>",
        "<script>x</script><!doctype html><html><head>",
        "x<script>x</script><html><head>",
        "<html><script>x</script><head>",
        "<html><body><script>x</script><head>",
        "<html <script>x</script>><head>",
        "<headers><script>x</script>",
        "<htmlx><script>x</script><head>",
        "\ufeff<script>x</script><html><head>",
        "<!doctype html><?xml x?><script>x</script><html><head>",
        '<html a="x" "><script>x</script><b c="><head>',
    ],
)
def test_nothing_comes_before_the_policy(page: str) -> None:
    html = head.completed(page.encode(), "ca", "ltr", "T").decode()
    assert html.index(POLICY) < html.index("<script>")


@pytest.mark.parametrize(
    "tag",
    [
        '<meta http-equiv="refresh" content="0;url=http://127.0.0.1/">',
        "<META HTTP-EQUIV=Refresh content='0;url=http://127.0.0.1/'>",
        '<meta/http-equiv="&#114;efresh"/content="0;url=//x">',
        "<meta a='>' http-equiv=refresh content=0>",
        '<meta content="0" http-equiv\n=\n" refresh ">',
        '<link rel="preconnect" href="http://127.0.0.1/">',
        "<link href=//x REL='stylesheet dns-prefetch'>",
        "<base href='http://127.0.0.1/'>",
        "<!--<meta a='--><meta http-equiv=refresh content=0><p title='>",
        '<meta a="<meta http-equiv=refresh>',
    ],
)
def test_what_leads_elsewhere_is_left_out(tag: str) -> None:
    html, left_out = head.without_ways_out(f"<p>1{tag}2</p>".encode())
    assert html.decode().replace("<x-", "<") == f"<p>1{tag}2</p>"
    assert len(left_out) == html.count(b"<x-") > 0


def test_what_leads_nowhere_stays() -> None:
    page = b'<meta name="viewport" content="refresh"><link rel="stylesheet" href="data:text/css,">'
    page += b"<metadata http-equiv=refresh>"
    assert head.without_ways_out(page) == (page, [])


@pytest.mark.parametrize("begin", ["<meta ", "<meta a=", "<meta a='", "<meta a", "<html", "<html a", "<meta /=/"])
def test_no_page_takes_long_to_be_read(begin: str) -> None:
    for page in (begin + "a" * 10**6, begin * 10**5, begin + " a=b" * 10**5, begin + " " * 10**6):
        began = time.monotonic()
        with suppress(TemplateError):
            head.completed(head.without_ways_out(page.encode())[0], "ca", "ltr", "T")
        assert time.monotonic() - began < 5
