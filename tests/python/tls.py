"""A front with TLS for a server of the tests, for snippets: no authority vouches for it but one that it makes itself, as
behind a proxy of a company."""

import asyncio
import ipaddress
import socket
import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


def front(port):
    """Stands before the server at this port. Its own port, and the certificate of the authority, in PEM."""
    authority, chain = certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(chain)
        file.flush()
        context.load_cert_chain(file.name)
    listener = socket.create_server((HOST, 0))
    threading.Thread(target=asyncio.run, args=(serve(listener, context, port),), daemon=True).start()
    return {"port": listener.getsockname()[1], "authority": authority.decode()}


def certificates():
    """The authority's certificate, and what the server shows, with its key."""
    pem = serialization.Encoding.PEM
    issuer, subject = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Town CA", "Town"))
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    root = certificate(issuer, issuer, keys[0], keys[0], x509.BasicConstraints(ca=True, path_length=0))
    leaf = certificate(subject, issuer, keys[1], keys[0], address)
    form = serialization.PrivateFormat.PKCS8
    key = keys[1].private_bytes(pem, form, serialization.NoEncryption())
    return root.public_bytes(pem), leaf.public_bytes(pem) + key


def certificate(subject, issuer, key, signed_with, extension):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(signed_with, hashes.SHA256())
    )


async def serve(listener, context, port):
    async def connect(reader, writer):
        ends = await asyncio.open_connection(HOST, port)
        await asyncio.gather(pass_on(reader, ends[1]), pass_on(ends[0], writer))

    server = await asyncio.start_server(connect, sock=listener, ssl=context)
    await server.serve_forever()


async def pass_on(reader, writer):
    try:
        while part := await reader.read(1 << 16):
            writer.write(part)
            await writer.drain()
    except OSError:
        # One end is gone: so is the other.
        pass
    writer.close()
