from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from stampbench.bench.phone.certificate import write_certificate
from stampbench.bench.phone.serving import PhoneServer

x509 = pytest.importorskip("cryptography.x509")


def test_the_page_is_served_over_tls_to_who_trusts_the_certificate() -> None:
    async def fetched() -> bytes:
        server = PhoneServer(lambda: None, 5)
        async with server.serving("127.0.0.1", https=True) as url:
            assert url.startswith("https://127.0.0.1:")
            port, _, query = url.rpartition(":")[2].partition("/")
            trusting = ssl.create_default_context()
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            reader, writer = await asyncio.open_connection("127.0.0.1", int(port), ssl=trusting)
            writer.write(f"GET /{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(fetched()).startswith(b"HTTP/1.1 200")


def test_a_certificate_is_for_its_address_and_the_key_for_its_owner(tmp_path: Path) -> None:
    key, certificate = write_certificate(tmp_path, "192.0.2.7")
    assert key.stat().st_mode & 0o077 == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name) for name in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
