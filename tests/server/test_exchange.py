"""What stands in front of every answer."""

from voxtrace.server.exchange import Exchange


def test_no_page_of_another_origin_can_embed_an_answer():
    headers = dict(Exchange("r1", None, None, "", 0, 0).headers())

    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"
